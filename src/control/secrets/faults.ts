/** Faults of Secrets Manager, in its wording where it is known. */
import {
  InvalidParameterException,
  InvalidRequestException,
  ResourceExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager'
import { fault } from '#wire/aws/faults.ts'

export const invalidParameter = (message: string): Error => fault(InvalidParameterException, message)

export const invalidRequest = (message: string): Error => fault(InvalidRequestException, message)

export const alreadyExists = (message: string): Error => fault(ResourceExistsException, message)

export const secretNotFound = (): Error =>
  fault(ResourceNotFoundException, "Secrets Manager can't find the specified secret.")

export const valueNotFound = (which: string): Error =>
  fault(ResourceNotFoundException, `Secrets Manager can't find the specified secret value for ${which}`)
