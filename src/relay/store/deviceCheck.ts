import type { DeviceEnvelopeInput, DeviceMismatchLists } from './store.ts'

export interface KnownDevice {
  readonly deviceId: number
  readonly registrationId: number
}

/** Compares a put with the devices that it must serve; null when it serves exactly them. */
export function compareDevices(
  known: readonly KnownDevice[],
  envelopes: readonly DeviceEnvelopeInput[],
): DeviceMismatchLists | null {
  const missing = known
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
