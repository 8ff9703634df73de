import { canonicalOrganisation } from '../accounts/organisation.ts'
import { endOfDay } from '../accounts/import/person.ts'
import { accountRoles } from '../accounts/standing.ts'
import { operatorContext } from '../data/actor.ts'
import { administer, checkedAccountId, knownPerson } from '../data/administration.ts'
import { listAccounts } from '../data/listing.ts'
import { checked, checkedEmail, line, nameSchema } from '../data/invitations.ts'
import { readRelayData } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import type { AccountAct, Profile } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { personLine, showOutcomes } from './accountText.ts'
import { flagOption, placeOptions, textOption, type Call, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing } from './values.ts'

const list: Command = {
  name: 'accounts list',
  usage: 'relayCommand.usage.accountsList',
  options: { ...placeOptions, organisation: textOption, name: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const wanted = { name: values.text('name'), organisation: values.text('organisation') }
    const { shown, total } = await beside(call, async (store) =>
      listAccounts(store, wanted, operatorContext()),
    )
    if (values.flag('json')) {
      terminal.out(JSON.stringify({ accounts: shown, total }))
      return
    }
    for (const person of shown) terminal.out(personLine(person, text))
    terminal.out(text('relayAccounts.shown', { shown: shown.length, total }))
  },
}

const show: Command = {
  name: 'accounts show',
  usage: 'relayCommand.usage.accountsShow',
  options: { ...placeOptions, account: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const accountId = checkedAccountId(values.needed('account'))
    const person = await beside(call, async (store) => knownPerson(store, accountId))
    if (values.flag('json')) {
      terminal.out(JSON.stringify(person))
      return
    }
    terminal.out(personLine(person, text))
    if (person.email !== null) terminal.out(text('relayAccounts.email', { email: person.email }))
    if (person.identifier !== null)
      terminal.out(text('relayAccounts.identifier', { identifier: person.identifier }))
  },
}

const acts = [
  ['disable', 'relayCommand.usage.accountsDisable', (accountId) => ({ kind: 'disable', accountId })],
  ['enable', 'relayCommand.usage.accountsEnable', (accountId) => ({ kind: 'enable', accountId })],
  ['hide', 'relayCommand.usage.accountsHide', (accountId) => ({ kind: 'hide', accountId, hidden: true })],
  [
    'unhide',
    'relayCommand.usage.accountsUnhide',
    (accountId) => ({ kind: 'hide', accountId, hidden: false }),
  ],
  ['remove', 'relayCommand.usage.accountsRemove', (accountId) => ({ kind: 'remove', accountId })],
] as const satisfies readonly (readonly [string, Command['usage'], (accountId: string) => AccountAct])[]

const simple: readonly Command[] = acts.map(([name, usage, act]) => ({
  name: `accounts ${name}`,
  usage,
  options: { ...placeOptions, account: textOption, json: flagOption },
  run: async (call) => perform(call, act(checkedAccountId(call.values.needed('account')))),
}))

const role: Command = {
  name: 'accounts role',
  usage: 'relayCommand.usage.accountsRole',
  options: { ...placeOptions, account: textOption, role: textOption, expires: textOption, json: flagOption },
  run: async (call) => {
    const { values } = call
    const accountId = checkedAccountId(values.needed('account'))
    const chosen = values.oneOf('role', accountRoles) ?? missing('role')
    const expiresAt = expiry(call)
    if (chosen === 'guest' && expiresAt === null) missing('expires')
    return perform(call, { kind: 'role', accountId, role: chosen, expiresAt })
  },
}

const fields = ['name', 'title', 'service', 'organisation', 'email', 'identifier'] as const

/** What the directory shows as confirmed. */
const profile: Command = {
  name: 'accounts profile',
  usage: 'relayCommand.usage.accountsProfile',
  options: {
    ...placeOptions,
    account: textOption,
    name: textOption,
    title: textOption,
    service: textOption,
    organisation: textOption,
    email: textOption,
    identifier: textOption,
    json: flagOption,
  },
  run: async (call) => {
    const accountId = checkedAccountId(call.values.needed('account'))
    if (fields.every((field) => call.values.text(field) === undefined)) missing('name')
    const changed = await beside(call, async (store) => changedProfile(call, store, accountId))
    return perform(call, { kind: 'profile', accountId, profile: changed })
  },
}

async function changedProfile({ values }: Call, store: RelayStore, accountId: string): Promise<Profile> {
  const known = await knownPerson(store, accountId)
  const given = (field: (typeof fields)[number], value: string): string =>
    checked(field, line, values.text(field) ?? value)
  const email = values.text('email')
  return {
    displayName: checked('name', nameSchema, values.text('name') ?? known.displayName),
    title: given('title', known.title),
    service: given('service', known.service),
    organisation: canonicalOrganisation(given('organisation', known.organisation)),
    identifier: given('identifier', known.identifier ?? '') || null,
    email:
      email === undefined || email === ''
        ? email === ''
          ? null
          : known.email
        : checkedEmail(email, await store.people.domains()),
  }
}

/** The end of the day that `--expires` names, or null. */
export function expiry({ values }: Call): number | null {
  const day = values.text('expires')
  return day === undefined ? null : (endOfDay(day) ?? missing('expires'))
}

async function perform(call: Call, act: AccountAct): Promise<void> {
  showOutcomes(await administer(await dataFolder(call), [act], operatorContext()), call)
}

async function beside<T>(call: Call, work: (store: RelayStore) => Promise<T>): Promise<T> {
  const data = await dataFolder(call)
  await readRelayData(data)
  return withStore(data, work)
}

export const accountsCommands: readonly Command[] = [list, show, ...simple, role, profile]
