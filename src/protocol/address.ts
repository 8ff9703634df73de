import { ProtocolAddress } from '@signalapp/libsignal-client'
import { fromUuid } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'

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

/** Whether a received address is one that we give: a canonical UUID and a device id of ours. */
export function isAddress({ accountId, deviceId }: Address): boolean {
  return fromUuid(accountId) !== null && deviceId >= 1 && deviceId <= limits.deviceIdMax
}
