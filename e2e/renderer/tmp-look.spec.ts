import { test, expect } from './harness.ts'
import { people } from './people.ts'
import { at, conversations, enrolment, managed, message, now, ready, scenario, thread } from './scenarios.ts'
const her = people.aissatou
const me = people.solene.accountId
const shot = (page: import('@playwright/test').Page, name: string) =>
  page.waitForTimeout(150).then(() => page.screenshot({ path: `/tmp/shots/${name}.png` }))
function rich() {
  const t = thread()
  const text =
    '@Solène Vauquelard peux-tu confirmer l’heure de la prise de parole ? Voir **la note** et le code A7.'
  return [
    ...t.slice(0, 3),
    message(her, 4, 'them', at('10:41'), text, {
      editedAt: at('10:42'),
      mentions: [{ start: 0, length: 18, accountId: me }],
      formats: [
        { start: 37, length: 7, style: 'bold' },
        { start: 40, length: 12, style: 'italic' },
        { start: 92, length: 2, style: 'monospace' },
      ],
      timerSeconds: 604800,
      expiresAt: now + 300_000_000,
      reactions: [
        { personId: me, reaction: { kind: 'service', reaction: 'agree' } },
        { personId: her.accountId, reaction: { kind: 'service', reaction: 'seen' } },
        { personId: her.accountId, reaction: { kind: 'emoji', emoji: '🎉' } },
      ],
    }),
    message(her, 5, 'them', at('10:42'), 'À signer avant midi.', {
      acknowledgement: { deadline: at('12:00'), by: [] },
      timerSeconds: 86400,
      expiresAt: now + 2_500_000,
    }),
    message(her, 6, 'them', at('10:43'), '', { deleted: true }),
    message(her, 7, 'them', at('10:43'), '', { kind: 'undecryptable' }),
    message(her, 8, 'them', at('10:44'), '', {
      kind: 'system',
      note: { kind: 'timerChanged', seconds: 604800, own: false },
    }),
    message(her, 9, 'them', at('10:45'), '', { kind: 'system', note: { kind: 'deviceAdded' } }),
    message(her, 10, 'me', at('10:49'), 'Confirmé : 12 h 15.', {
      delivery: 'read',
      quote: {
        authorId: her.accountId,
        messageId: '0'.repeat(31) + '4',
        excerpt: 'peux-tu confirmer l’heure de la prise de parole ?',
      },
      timerSeconds: 604800,
      acknowledgement: { deadline: null, by: [{ personId: her.accountId, at: at('10:51') }] },
    }),
    message(her, 11, 'me', at('10:52'), 'Je transmets au cabinet.', { timerSeconds: 604800 }),
  ]
}
for (const theme of ['light', 'dark'] as const) {
  for (const [width, height] of [
    [1280, 800],
    [720, 480],
  ] as const) {
    test(`look ${theme} ${width}`, async ({ page, valise }) => {
      await page.setViewportSize({ width, height })
      const tag = `${theme}-${width}`
      const list = conversations().map((one) =>
        one.person === her
          ? { ...one, identity: 'verified' as const, timerSeconds: 604800, pinned: true, typing: true }
          : one.person === people.nour
            ? { ...one, standing: 'request' as const }
            : one.person === people.salome
              ? { ...one, standing: 'blocked' as const, mutedUntil: 8e15 }
              : one,
      )
      await valise.open(
        scenario(ready({ conversations: list }), {
          messages: { [her.accountId]: rich() },
          appearance: { locale: theme === 'light' ? 'fr' : 'en', theme },
        }),
      )
      await page.getByRole('option', { name: /^Aïssatou/ }).click()
      await page.keyboard.press('Shift+F6')
      for (let i = 0; i < 6; i += 1) await page.keyboard.press('ArrowUp')
      await shot(page, `thread-${tag}`)
      await page.keyboard.press('Home')
      await shot(page, `threadtop-${tag}`)
      await page.keyboard.press('End')
      await page.keyboard.press('r')
      await page.locator('.ib[aria-pressed=false]').last().click()
      await page.locator('.chead .ib').last().click()
      await shot(page, `menu-${tag}`)
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Shift+F6')
      await page.keyboard.press('Delete')
      await shot(page, `delete-${tag}`)
      await page.keyboard.press('Escape')
      await page.getByRole('option', { name: /^Nour/ }).click()
      await shot(page, `request-${tag}`)
      await page.getByRole('option', { name: /^Salomé/ }).click()
      await shot(page, `blocked-${tag}`)
      await page.getByRole('option', { name: /^Driss/ }).click()
      await shot(page, `changed-${tag}`)
      await page.locator('.note.held button').click()
      await page.waitForTimeout(100)
      await page.locator('.dialog .btn.quiet.lg').click()
      await shot(page, `verify-${tag}`)
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+3')
      await page.locator('.setnav-pages button').nth(1).click()
      await shot(page, `devices-${tag}`)
      await page.locator('.btn.dgr-o').click()
      await shot(page, `remove-${tag}`)
      await page.keyboard.press('Escape')
      await page.locator('.acts .btn').click()
      await shot(page, `addition-${tag}`)
      await page.keyboard.press('Escape')
      await page.locator('.setnav-pages button').first().click()
      await valise.emit({
        kind: 'alerts',
        alerts: [
          { alertId: 1, kind: 'deviceAdded', deviceName: 'CAB-207', at: at('10:50') },
          { alertId: 2, kind: 'deviceRemoved', deviceName: '', at: at('10:50') },
        ],
      })
      await shot(page, `privacy-${tag}`)
      await valise.emit({ kind: 'state', state: enrolment })
      await shot(page, `enrol-${tag}`)
      await page.locator('.link-instead').click()
      await shot(page, `linking-${tag}`)
      await valise.emit({
        kind: 'state',
        state: { ...enrolment, link: { code: 'K7QM24XD9PLAW3RTY6BN', expiresAt: now + 580_000 } },
      })
      await shot(page, `code-${tag}`)
      expect(managed).toBeTruthy()
    })
  }
}
