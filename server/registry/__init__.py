"""What a province states about itself and with others: institutions, listings, agreements.

Certificates are the room above. Nothing here decides who may call: the edge does.
"""
