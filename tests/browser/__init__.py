"""Browser tests: the pages in real Chromium."""
