"""The reference campaign: solutions of a two-layer perceptron for Wine, written to arrays of several device sizes."""

from procedures.wine.procedure import WineCampaign as WineCampaign
