"""Ways to use what is known of chips, compared: the same solutions on the same chips at the same write settings."""

from procedures.methods.procedure import MethodCampaign as MethodCampaign
