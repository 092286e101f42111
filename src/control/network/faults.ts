/** Faults of EC2. Its model has none: codes are from "Error codes for the Amazon EC2 API". */
import { AwsFault } from '#wire/aws/faults.ts'

export const invalidValue = (message: string): AwsFault => new AwsFault('InvalidParameterValue', message)

export const invalidCombination = (message: string): AwsFault => new AwsFault('InvalidParameterCombination', message)

export const missingParameter = (name: string): AwsFault =>
  new AwsFault('MissingParameter', `The request must contain the parameter ${name}`)

export const vpcNotFound = (id: string): AwsFault =>
  new AwsFault('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`)

export const subnetNotFound = (id: string): AwsFault =>
  new AwsFault('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`)

export const groupNotFound = (id: string): AwsFault =>
  new AwsFault('InvalidGroup.NotFound', `The security group '${id}' does not exist`)

export const ruleNotFound = (id: string): AwsFault =>
  new AwsFault('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`)

export const dependencyViolation = (message: string): AwsFault => new AwsFault('DependencyViolation', message)

export const limitExceeded = (kind: 'Vpc' | 'Subnet' | 'SecurityGroup', max: number): AwsFault =>
  new AwsFault(`${kind}LimitExceeded`, `The maximum number of resources of this kind, ${max}, has been reached.`)
