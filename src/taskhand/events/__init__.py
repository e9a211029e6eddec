"""Changes that one replica tells the others, so that a subscription at any of them hears of all."""
