import { CodedError } from '../../base/errors.ts'
import { pageAddress, pageOrigin, pageProblem } from '../admin/address.ts'
import { operatorContext } from '../data/actor.ts'
import { linkSecondFactor, removeSecondFactors, type AccountNamed } from '../data/secondFactorLink.ts'
import { placeOf } from '../settings/page.ts'
import type { Settings } from '../settings/settings.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { placeSettings } from './place.ts'
import { missing, type Values } from './values.ts'

/** A link by which a person registers a second factor; `--remove` takes all of an account away. */
export const secondFactor: Command = {
  name: 'second-factor',
  usage: 'relayCommand.usage.secondFactor',
  options: {
    ...placeOptions,
    account: textOption,
    email: textOption,
    'admin-address': textOption,
    remove: flagOption,
    json: flagOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const settings = await placeSettings(call)
    const data = settings.data ?? missing('data')
    const named = namedBy(values)
    if (values.flag('remove')) {
      const count = await removeSecondFactors(data, named, operatorContext())
      terminal.out(text('relayFactor.removed', { count }))
      return
    }
    const origin = values.text('admin-address') ?? originOf(settings)
    if (pageAddress(origin) === null) missing('admin-address')
    const link = await linkSecondFactor(data, named, origin, operatorContext())
    if (values.flag('json')) {
      terminal.out(JSON.stringify(link))
      return
    }
    const until = new Date(link.expiresAt).toLocaleString(text.language)
    terminal.out(text('relayFactor.link', { name: link.displayName, until }))
    terminal.out(link.url)
  },
}

function namedBy(values: Values): AccountNamed {
  if (values.text('email') === undefined) return { account: values.needed('account') }
  if (values.text('account') !== undefined) missing('account')
  return { email: values.needed('email') }
}

/** A page on a free port is found by its address alone. */
function originOf(settings: Settings): string {
  const place = placeOf(settings)
  if (place.address === null && (place.port === null || place.port === 0)) return missing('admin-address')
  const problem = pageProblem(place)
  if (problem !== null) throw new CodedError(problem.code, { key: problem.key })
  return pageOrigin(place)
}
