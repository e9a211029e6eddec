"""The HTML that CRMs keep texts in, and the text of it that a person sees."""
