"""
What PDM and Poetry load: their installs, through our engine.

Each module here is one tool's entry point.  A plugin is a guest: it is loaded
with every command of its host, so importing one imports next to nothing; and
where the host is not as it knows it, it says so and leaves the host alone.
"""
