"""How long and how often the laws of the contract are tried."""

from hypothesis import settings

settings.register_profile("contract", deadline=None)
settings.load_profile("contract")
