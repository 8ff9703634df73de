import type { AdminAnswer, ShownAccount, ShownBudget } from '../routes.ts'
import { invitationShown, standing } from './accounts.ts'
import { ask } from './api.ts'
import { button, el, facts, table } from './dom.ts'
import type { Shell, View } from './view.ts'

/** One account: who it is and its devices for who may see that, and its limits. */
export function accountView(accountId: string): View {
  return async (shell) => {
    const { text } = shell
    const query = { accountId }
    const seen = shell.may('accounts.read') ? await ask('account', { query }) : null
    const own = seen === null ? [] : personParts(shell, accountId, seen)
    const { budgets } = seen ?? (await ask('budgets', { query }))
    const heads = ['limit', 'used', 'caution', 'hard', 'act'] as const
    const limits = table(
      text('adminPage.budgets'),
      heads.map((head) => text(`adminPage.head.${head}`)),
      budgets.map((budget) => [
        text('adminPage.perHours', {
          what: text(`relayBudget.${budget.budget}`),
          hours: budget.windowMs / 3_600_000,
        }),
        String(budget.used),
        String(budget.soft),
        text(budget.set ? 'adminPage.limitSet' : 'adminPage.limitUsual', { limit: budget.hard }),
        resetOf(shell, accountId, budget),
      ]),
    )
    return [el('p', { class: 'code' }, accountId), ...own, el('h2', {}, text('adminPage.budgets')), limits]
  }
}

function resetOf(shell: Shell, accountId: string, { budget }: ShownBudget): Node {
  const { text } = shell
  if (!shell.may('budgets.reset')) return el('span', {}, text('adminPage.notYours'))
  if (shell.session.accountId === accountId) return el('span', {}, text('adminPage.ownAccount'))
  const what = text(`relayBudget.${budget}`)
  const act = async (): Promise<void> => {
    const reason = await shell.confirm({
      title: text('adminPage.resetTitle', { what }),
      explanation: text('adminPage.resetWhy'),
      confirm: text('adminPage.reset'),
      reason: true,
    })
    if (reason === null) return
    await ask('resetBudget', { body: { accountId, budget, reason } })
    shell.show({ name: 'account', accountId })
    shell.say(text('adminPage.resetNow'))
  }
  const label = text('adminPage.resetOf', { what })
  return button(text('adminPage.reset'), async () => shell.run(act), { 'aria-label': label })
}

function personParts(shell: Shell, accountId: string, seen: AdminAnswer<'account'>): readonly Node[] {
  const { text } = shell
  const { account, devices, secondFactors } = seen
  const place = el('div')
  const shown = facts([
    [text('adminPage.head.name'), account.displayName],
    ...(account.title === '' ? [] : [[text('adminPage.field.title'), account.title] as const]),
    ...(account.service === '' ? [] : [[text('adminPage.field.service'), account.service] as const]),
    [text('adminPage.head.organisation'), account.organisation],
    ...(account.email === null ? [] : [[text('adminPage.field.email'), account.email] as const]),
    [text('adminPage.head.role'), text(`relayAccounts.role.${account.role}`)],
    [text('adminPage.head.state'), standing(shell, account)],
    [text('adminPage.secondFactors'), String(secondFactors)],
  ])
  return [
    shown,
    el('div', { class: 'actions' }, ...actsOn(shell, account, place)),
    place,
    el('h2', {}, text('adminPage.devices')),
    devices.length === 0
      ? el('p', {}, text('relayAccounts.noDevice'))
      : deviceTable(shell, accountId, devices),
  ]
}

type Devices = AdminAnswer<'account'>['devices']

function deviceTable(shell: Shell, accountId: string, devices: Devices): HTMLElement {
  const { text, day } = shell
  const heads = ['device', 'added', 'lastUsed', 'act'] as const
  return table(
    text('adminPage.devices'),
    heads.map((head) => text(`adminPage.head.${head}`)),
    devices.map(({ deviceId, addedAt, lastSeenDay }) => [
      String(deviceId),
      day(addedAt),
      lastSeenDay === 0 ? text('adminPage.never') : day(lastSeenDay),
      shell.may('devices.end')
        ? actButton(shell, accountId, 'endDevice', { deviceId }, async () =>
            ask('endDevices', { body: { accountId, deviceId } }),
          )
        : el('span', {}, text('adminPage.notYours')),
    ]),
  )
}

function actsOn(shell: Shell, account: ShownAccount, place: HTMLElement): readonly Node[] {
  const { accountId, disabled, role } = account
  const body = { accountId }
  const { text } = shell
  const again = async (): Promise<void> => {
    const title = text('adminPage.act.inviteAgain')
    const explanation = text('adminPage.why.inviteAgain')
    if ((await shell.confirm({ title, explanation, confirm: title, reason: false })) === null) return
    place.replaceChildren(...invitationShown(shell, await ask('inviteAgain', { body })))
    shell.say(text('adminPage.invited'))
  }
  return [
    ...(shell.may('accounts.disable') && !disabled
      ? [actButton(shell, accountId, 'disable', {}, async () => ask('disableAccount', { body }))]
      : []),
    ...(shell.may('accounts.enable') && disabled
      ? [actButton(shell, accountId, 'enable', {}, async () => ask('enableAccount', { body }))]
      : []),
    ...(shell.may('devices.end')
      ? [actButton(shell, accountId, 'endDevices', {}, async () => ask('endDevices', { body }))]
      : []),
    ...(shell.may('accounts.invite') && (role === 'member' || role === 'guest')
      ? [button(text('adminPage.act.inviteAgain'), async () => shell.run(again))]
      : []),
  ]
}

/** An act on the account that is asked about first, and shows the account again. */
function actButton(
  shell: Shell,
  accountId: string,
  act: 'disable' | 'enable' | 'endDevices' | 'endDevice',
  values: Readonly<Record<string, number>>,
  work: () => Promise<unknown>,
): HTMLButtonElement {
  const { text } = shell
  const title = text(`adminPage.act.${act}`, values)
  const perform = async (): Promise<void> => {
    const explanation = text(`adminPage.why.${act}`)
    if ((await shell.confirm({ title, explanation, confirm: title, reason: false })) === null) return
    await work()
    shell.show({ name: 'account', accountId })
    shell.say(text('adminPage.doneNow', { act: title }))
  }
  return button(title, async () => shell.run(perform), { class: act === 'enable' ? 'btn' : 'btn dgr-o' })
}
