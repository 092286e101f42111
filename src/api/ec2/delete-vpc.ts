import { deleteVpc } from '#control/network/vpc.ts'
import type { Ec2Handler } from '../handler.ts'

export const DeleteVpc: Ec2Handler<'DeleteVpc'> = async (input, context) => {
  await deleteVpc(context.control, context, input.VpcId)
  return {}
}
