"""Test patterns written one after another: the memory test of an array, and the shortest campaign with a write."""

from procedures.patterns.procedure import PatternCampaign as PatternCampaign
