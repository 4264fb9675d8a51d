"""The reference campaign: solutions of a two-layer perceptron for Wine, written to arrays of several device sizes."""

from procedures.classify.procedure import WineCampaign as WineCampaign
