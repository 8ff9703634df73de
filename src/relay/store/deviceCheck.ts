import type { DeviceEnvelopeInput, DeviceMismatchLists } from './store.ts'

export interface KnownDevice {
  readonly deviceId: number
  readonly registrationId: number
  /**
   * False for a device that has no keys until it adopts the account's new identity key. Nobody can begin a session with
   * it, so no put has to name it: to demand it would hold up every sender until the device comes back. Who has a session
   * already, its own other devices before all, may name it.
   */
  readonly adopted: boolean
}

/** Compares a put with the devices that it must serve; null when it serves them and no others. */
export function compareDevices(
  known: readonly KnownDevice[],
  envelopes: readonly DeviceEnvelopeInput[],
  someDevices: boolean,
): DeviceMismatchLists | null {
  const missing = known
    .filter((d) => d.adopted && !someDevices)
    .filter((d) => !envelopes.some((e) => e.deviceId === d.deviceId))
    .map((d) => d.deviceId)
  const extra: number[] = []
  const stale: number[] = []
  for (const envelope of envelopes) {
    const device = known.find((d) => d.deviceId === envelope.deviceId)
    if (device === undefined) extra.push(envelope.deviceId)
    else if (device.registrationId !== envelope.registrationId) stale.push(envelope.deviceId)
  }
  return missing.length + extra.length + stale.length === 0 ? null : { missing, extra, stale }
}
