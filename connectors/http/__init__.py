"""The HTTP door: the ASGI shell. It knows the exchange only through `connectors.http.ports`."""
