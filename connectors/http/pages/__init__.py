"""Pages for people: the browser inbox and the form to send with. All of it works without JavaScript."""
