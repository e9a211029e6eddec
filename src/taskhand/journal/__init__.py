"""The journal: what was asked, what was there before, what came of it; before anything is sent."""
