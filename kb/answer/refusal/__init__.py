"""Whether what was found answers a question at all."""
