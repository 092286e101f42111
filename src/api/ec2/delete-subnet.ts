import { deleteSubnet } from '#control/network/subnet.ts'
import type { Ec2Handler } from '../handler.ts'

export const DeleteSubnet: Ec2Handler<'DeleteSubnet'> = async (input, context) => {
  await deleteSubnet(context.control, context, input.SubnetId)
  return {}
}
