/** Quotas of the network. AWS: Amazon VPC User Guide, "Amazon VPC quotas"; those that users raise as a habit are wider. */
export const VPCS_MAX = 100
export const SUBNETS_PER_VPC_MAX = 200
export const SECURITY_GROUPS_MAX = 2_500
/** Each direction on its own. */
export const RULES_PER_GROUP_MAX = 60
export const TAGS_MAX = 50
