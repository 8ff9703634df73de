import type { AdminAnswer, ShownAccount } from '../routes.ts'
import { ask } from './api.ts'
import { button, el, field, table } from './dom.ts'
import type { Shell, View } from './view.ts'

export const accountsView: View = async (shell) => {
  const { text } = shell
  const name = field('name', text('adminPage.searchName'), { type: 'search' })
  const place = el('div')
  const form = el(
    'form',
    { role: 'search', class: 'row' },
    name.row,
    el('button', { type: 'submit', class: 'btn primary' }, text('adminPage.search')),
  )
  const search = async (): Promise<void> => {
    const { accounts, total } = await ask('accounts', { query: { name: name.input.value } })
    const found = text('adminPage.found', { shown: accounts.length, total })
    place.replaceChildren(
      el('p', {}, found),
      ...(accounts.length === 0 ? [] : [accountTable(shell, accounts)]),
    )
    shell.say(found)
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void shell.run(search)
  })
  const hint = el('p', { class: 'hint' }, text('adminPage.searchHint'))
  return [form, hint, place, ...(shell.may('accounts.invite') ? [await inviting(shell)] : [])]
}

function accountTable(shell: Shell, accounts: readonly ShownAccount[]): HTMLElement {
  const { text } = shell
  const heads = ['name', 'organisation', 'role', 'state'] as const
  return table(
    text('adminPage.section.accounts'),
    heads.map((head) => text(`adminPage.head.${head}`)),
    accounts.map((account) => [
      button(account.displayName, () => shell.show({ name: 'account', accountId: account.accountId }), {
        class: 'link',
      }),
      [account.service, account.organisation].filter((part) => part !== '').join(' · '),
      text(`relayAccounts.role.${account.role}`),
      standing(shell, account),
    ]),
  )
}

export function standing({ text, day }: Shell, account: ShownAccount): string {
  return [
    ...(account.disabled ? [text('relayAccounts.disabled')] : []),
    ...(account.hidden ? [text('relayAccounts.hidden')] : []),
    ...(account.expiresAt === null ? [] : [text('relayAccounts.until', { time: day(account.expiresAt) })]),
    account.enrolledAt === null
      ? text('relayAccounts.notEnrolled')
      : text('relayAccounts.devices', { count: account.devices }),
  ].join(', ')
}

async function inviting(shell: Shell): Promise<HTMLElement> {
  const { text } = shell
  const heading = el('h2', { id: 'invite' }, text('adminPage.invite'))
  const { invites } = await ask('overview')
  if (!invites) return el('section', {}, heading, el('p', {}, text('error.admin.byCommand')))
  const names = ['name', 'title', 'service', 'organisation', 'email'] as const
  const fields = names.map((name) => ({
    name,
    ...field(`invite-${name}`, text(`adminPage.field.${name}`), {
      required: name === 'name',
      type: name === 'email' ? 'email' : 'text',
    }),
  }))
  const place = el('div')
  const form = el(
    'form',
    { 'aria-labelledby': 'invite' },
    ...fields.map(({ row }) => row),
    el('button', { type: 'submit', class: 'btn primary' }, text('adminPage.makeInvitation')),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void shell.run(async () => {
      const filled = fields.flatMap(({ name, input }) => (input.value === '' ? [] : [[name, input.value]]))
      const given = Object.fromEntries(filled) as Partial<Record<(typeof names)[number], string>>
      const made = await ask('inviteMember', { body: { name: given.name ?? '', ...given } })
      form.reset()
      place.replaceChildren(...invitationShown(shell, made))
      shell.say(text('adminPage.invited'))
    })
  })
  return el('section', {}, heading, form, place)
}

/** Shown once: the relay keeps no code. */
export function invitationShown(shell: Shell, made: AdminAnswer<'inviteAgain'>): readonly Node[] {
  const { text } = shell
  const area = el('textarea', { id: 'invitation', readonly: true, rows: '5', class: 'code' }, made.text)
  return [
    el('p', { class: 'note' }, text('adminPage.invitation', { until: shell.moment(made.expiresAt) })),
    el('label', { for: 'invitation' }, text('adminPage.invitationText')),
    area,
  ]
}
