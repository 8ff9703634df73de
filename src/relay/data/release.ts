import { CodedError } from '../../base/errors.ts'
import { accountIdSchema } from '../../wire/http.ts'
import { operatorContext } from './actor.ts'
import { readRelayData } from './relayData.ts'
import { withStore } from './withStore.ts'

/**
 * Lets a frozen device connect again; the relay treats its vault as a copy then. Works beside a running relay. Throws
 * `argument.invalid` (details: option) for an account or a device that does not exist, and the codes of `readRelayData`.
 */
export async function releaseDevice(data: string, account: string, deviceId: number): Promise<void> {
  await readRelayData(data)
  const accountId = accountIdSchema.safeParse(account)
  if (!accountId.success) throw new CodedError('argument.invalid', { option: 'account' })
  await withStore(data, async ({ devices, acts }) => {
    if (!(await devices.release(accountId.data, deviceId)))
      throw new CodedError('argument.invalid', { option: 'device' })
    const act = { type: 'device.released', account: accountId.data, detail: deviceId } as const
    await acts.append(act, operatorContext())
  })
}
