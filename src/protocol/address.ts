import { ProtocolAddress } from '@signalapp/libsignal-client'
import { CodedError } from '../base/errors.ts'

/** One device of one account. Account ids are UUIDs everywhere (ServiceIds, as sealed sender demands). */
export interface Address {
  readonly accountId: string
  readonly deviceId: number
}

export function protocolAddress(address: Address): ProtocolAddress {
  try {
    return ProtocolAddress.new(address.accountId, address.deviceId)
  } catch {
    throw new CodedError('argument.invalid')
  }
}
