import { limits } from '../../wire/limits.ts'
import { canonicalOrganisation } from '../accounts/organisation.ts'
import { operatorContext } from '../data/actor.ts'
import { administer, checkedAccountId, revokeOrganisation } from '../data/administration.ts'
import { showOutcomes } from './accountText.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing } from './values.ts'

/** Ends one device, all devices of an account, or those of an organisation, on every connection within seconds. */
export const revoke: Command = {
  name: 'revoke',
  usage: 'relayCommand.usage.revoke',
  options: {
    ...placeOptions,
    account: textOption,
    device: textOption,
    organisation: textOption,
    json: flagOption,
  },
  run: async (call) => {
    const { values } = call
    const data = await dataFolder(call)
    const context = operatorContext()
    if (values.text('organisation') !== undefined) {
      for (const option of ['account', 'device']) if (values.text(option) !== undefined) missing(option)
      const organisation = canonicalOrganisation(values.needed('organisation'))
      showOutcomes(await revokeOrganisation(data, organisation, context), call)
      return
    }
    const accountId = checkedAccountId(values.needed('account'))
    const deviceId = values.number('device', 1, limits.deviceIdMax)
    const act =
      deviceId === undefined
        ? ({ kind: 'endDevices', accountId } as const)
        : ({ kind: 'endDevice', accountId, deviceId } as const)
    showOutcomes(await administer(data, [act], context), call)
  },
}
