"""What goes over the wire whoever asks: JSON read strictly, errors as responses, security headers, events."""
