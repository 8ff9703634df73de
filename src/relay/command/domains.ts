import { canonicalDomainEntry } from '../accounts/email.ts'
import { operatorContext } from '../data/actor.ts'
import { administer } from '../data/administration.ts'
import { readRelayData } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing, type Values } from './values.ts'

/** Domains of e-mail addresses that this relay takes. */
export const domains: Command = {
  name: 'domains',
  usage: 'relayCommand.usage.domains',
  options: { ...placeOptions, allow: textOption, refuse: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    await readRelayData(data)
    const acts = [...given(values, 'allow', true), ...given(values, 'refuse', false)]
    if (acts.length > 0) await administer(data, acts, operatorContext())
    const list = await withStore(data, async ({ people }) => people.domains())
    if (values.flag('json')) terminal.out(JSON.stringify({ domains: list }))
    else terminal.out(list.length === 0 ? text('relayAccounts.noDomain') : list.join('\n'))
  },
}

function given(
  values: Values,
  option: 'allow' | 'refuse',
  allowed: boolean,
): readonly { kind: 'domain'; domain: string; allowed: boolean }[] {
  if (values.text(option) === undefined) return []
  const domain = canonicalDomainEntry(values.needed(option)) ?? missing(option)
  return [{ kind: 'domain', domain, allowed }]
}
