"""What a rollout looks like in a terminal: from what was read to lines of text. Pure."""
