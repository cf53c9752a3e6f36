"""Phone certificates for people: QR codes, and checks by a bundle without a network."""
