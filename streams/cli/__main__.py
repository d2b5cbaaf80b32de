"""`python -m streams.cli`: the `masa` command, as `masa up` starts its children."""

from streams.cli.main import main

main()
