"""App: settings, wiring, command line and worker. The only room that knows all others."""
