"""Unit tests of the pages: words, times, the form, sessions, and requests without a browser."""
