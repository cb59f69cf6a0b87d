"""What is promised to strangers: every address, event and answer, described once, beside the code that keeps it."""
