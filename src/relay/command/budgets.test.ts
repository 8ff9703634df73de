import { afterEach, beforeEach, expect, test } from 'vitest'
import { usualAccountBudgets } from '../budgets/table.ts'
import { ask, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { TestClient, type WelcomeClient } from '../testing/sockets.ts'
import { execute } from './execute.ts'

let fixture: RelayFixture
let alice: EnrolledDevice
let client: WelcomeClient

beforeEach(async () => {
  const directory = { ...usualAccountBudgets.directory, device: null, account: { soft: 2, hard: 3 } }
  fixture = await relayFixture({ accountBudgets: { directory } })
  alice = await fixture.enrol('Alice')
  for (const name of ['Bob', 'Chloé', 'David', 'Émile']) await fixture.enrol(name, 0)
  client = await TestClient.connect(fixture.address, alice)
})

afterEach(async () => fixture.end())

interface Said {
  readonly exitCode: number
  readonly out: string
  readonly error: string
}

async function called(...args: string[]): Promise<Said> {
  const said = { out: '', error: '' }
  const exitCode = await execute([...args, '--data', fixture.data], {
    language: 'fr',
    version: '0',
    environment: {},
    out: (line) => (said.out += `${line}\n`),
    error: (line) => (said.error += `${line}\n`),
    ended: Promise.resolve(),
    onReload: () => undefined,
  })
  return { exitCode, ...said }
}

const search = async (query: string): Promise<unknown> =>
  (
    await ask(fixture.address, 'GET', `/v1/directory?query=${encodeURIComponent(query)}`, {
      token: client.token,
    })
  ).body

test('an account that reached its limit is told of, let on for a reason, and all of it is in the journal', async () => {
  for (const name of ['bob', 'chloe', 'david']) await search(name)
  expect(await search('emile')).toMatchObject({ code: 'budget.spent' })
  // Known already: nothing more is shown by it.
  expect(await search('bob')).toMatchObject({ total: 1 })
  await expect.poll(async () => (await called('alerts', 'list')).out).toContain('2 alertes')
  const { out } = await called('alerts', 'list')
  expect(out).toContain(alice.accountId)
  expect(out).not.toContain('Alice')
  const allow = ['budgets', 'allow', '--account', alice.accountId, '--budget', 'directory', '--limit', '50']
  expect(await called(...allow, '--days', '2', '--reason', 'Mission RH')).toMatchObject({ exitCode: 0 })
  await expect.poll(async () => search('emile')).toMatchObject({ total: 1 })
  const shown = await called('budgets', 'show', '--account', alice.accountId, '--json')
  expect(JSON.parse(shown.out)).toContainEqual(
    expect.objectContaining({ budget: 'directory', allowance: { soft: 40, hard: 50 }, set: true }),
  )
  expect((await called('budgets', 'show', '--account', alice.accountId)).out).toContain(
    'fixés par un administrateur',
  )
  expect(await called('alerts', 'acknowledge', '--all', '--reason', 'Vu avec elle')).toMatchObject({
    exitCode: 0,
  })
  expect((await called('alerts', 'list')).out).toContain('Aucune alerte')
  expect((await called('alerts', 'list', '--all')).out).toContain('Vu avec elle')
  const reset = ['budgets', 'reset', '--account', alice.accountId, '--budget', 'directory']
  expect(await called(...reset, '--reason', 'Fin de mission')).toMatchObject({ exitCode: 0 })
  const journal = (await called('journal')).out
  for (const word of [
    'directory 50: Mission RH',
    'directory: Fin de mission',
    'Vu avec elle',
    'limite épuisée',
  ]) {
    expect(journal).toContain(word)
  }
})

test('what is missing, wrong or unknown is refused with the option that is to blame, and changes nothing', async () => {
  const account = ['--account', alice.accountId]
  const nobody = ['--account', '00000000-0000-4000-8000-000000000000']
  const tries: [string, ...string[]][] = [
    ['account', 'budgets', 'show'],
    ['account', 'budgets', 'show', '--account', 'Alice'],
    ['account', 'budgets', 'show', ...nobody],
    ['budget', 'budgets', 'allow', ...account, '--limit', '5', '--reason', 'x'],
    ['budget', 'budgets', 'allow', ...account, '--budget', 'tout', '--limit', '5', '--reason', 'x'],
    ['limit', 'budgets', 'allow', ...account, '--budget', 'links', '--limit', '-5', '--reason', 'x'],
    [
      'days',
      'budgets',
      'allow',
      ...account,
      '--budget',
      'links',
      '--limit',
      '5',
      '--days',
      '0',
      '--reason',
      'x',
    ],
    ['reason', 'budgets', 'allow', ...account, '--budget', 'links', '--limit', '5'],
    ['reason', 'budgets', 'reset', ...account, '--budget', 'links', '--reason', 'two\nlines'],
    ['account', 'budgets', 'reset', ...nobody, '--budget', 'links', '--reason', 'x'],
    ['alert', 'alerts', 'acknowledge', '--reason', 'x'],
    ['alert', 'alerts', 'acknowledge', '--alert', '3', '--all', '--reason', 'x'],
    ['alert', 'alerts', 'acknowledge', '--alert', '3', '--reason', 'x'],
  ]
  for (const [option, ...args] of tries) {
    const { exitCode, error } = await called(...args)
    expect([args, exitCode]).toEqual([args, 2])
    expect(error).toContain(`--${option}`)
  }
  expect((await called('journal')).out).not.toContain('limite')
})
