import type { CallInput, ConversationView } from '../../../src/contract/index.ts'
import type { ErrorReport, Result } from '../../../src/base/errors.ts'
import type { Text } from '../../../src/text/index.ts'
import { Menu, type MenuGroup, type MenuItem } from '../../components/menu.tsx'
import { hourMs, spanWords, timerChoices } from '../../components/spans.ts'
import { useServices, useText } from '../../context.tsx'

interface ConversationMenuProps {
  readonly conversation: ConversationView
  readonly onVerify: () => void
  readonly onBlock: () => void
  readonly onError: (error: ErrorReport | null) => void
}

/** The latest time that a Date can hold: muted until somebody says otherwise. */
const forEver = 8.64e15
const muteMs = 8 * hourMs

/** Everything that can be set for one conversation. */
export function ConversationMenu({ conversation, onVerify, onBlock, onError }: ConversationMenuProps) {
  const text = useText()
  const { client } = useServices()
  const { conversationId, standing, identity } = conversation
  const run = async (call: Promise<Result<unknown>>): Promise<void> => {
    const answer = await call
    onError(answer.ok ? null : answer.error)
  }
  const verify: MenuItem = { key: 'verify', label: text('menu.verify'), icon: 'seal', onChoose: onVerify }
  const block: MenuItem =
    standing === 'blocked'
      ? {
          key: 'block',
          label: text('menu.unblock'),
          icon: 'blocked',
          onChoose: () => void run(client.call('conversation.block', { conversationId, blocked: false })),
        }
      : { key: 'block', label: text('menu.block'), icon: 'blocked', onChoose: onBlock }
  const groups: readonly MenuGroup[] = [
    ...(identity === 'unknown' ? [] : [{ key: 'verify', items: [verify] }]),
    ...(standing === 'accepted'
      ? [
          {
            key: 'timer',
            label: text('menu.timer'),
            items: timerItems(text, conversation, (seconds) =>
              run(client.call('conversation.timer', { conversationId, seconds })),
            ),
          },
        ]
      : []),
    ...useSettingsGroups(conversation, onError),
    { key: 'block', items: [block] },
  ]
  return <Menu label={text('menu.open')} icon="more" groups={groups} />
}

/** What is set for oneself alone; also the context menu of the list. */
export function useSettingsGroups(
  conversation: ConversationView,
  onError: (error: ErrorReport | null) => void,
): readonly MenuGroup[] {
  const text = useText()
  const { client, now } = useServices()
  const { conversationId, pinned, archived } = conversation
  const set = async (part: Omit<CallInput<'conversation.settings'>, 'conversationId'>): Promise<void> => {
    const answer = await client.call('conversation.settings', { conversationId, ...part })
    onError(answer.ok ? null : answer.error)
  }
  return [
    {
      key: 'mute',
      label: text('menu.notifications'),
      items: muteItems(text, now(), conversation, (mutedUntil) => void set({ mutedUntil })),
    },
    {
      key: 'place',
      items: [
        {
          key: 'pin',
          label: text('menu.pin'),
          checked: pinned,
          onChoose: () => void set({ pinned: !pinned }),
        },
        {
          key: 'archive',
          label: text('menu.archive'),
          checked: archived,
          onChoose: () => void set({ archived: !archived }),
        },
      ],
    },
  ]
}

/** What is offered, and what the other side has chosen where it is something else. */
function timerItems(
  text: Text,
  { timerSeconds }: ConversationView,
  choose: (seconds: number) => Promise<void>,
): readonly MenuItem[] {
  const choices = timerChoices.includes(timerSeconds) ? timerChoices : [...timerChoices, timerSeconds]
  return choices.map((seconds) => ({
    key: String(seconds),
    label: seconds === 0 ? text('menu.timerOff') : spanWords(text, seconds * 1000),
    checked: seconds === timerSeconds,
    onChoose: () => void choose(seconds),
  }))
}

function muteItems(
  text: Text,
  now: number,
  { mutedUntil }: ConversationView,
  choose: (until: number) => void,
): readonly MenuItem[] {
  const muted = mutedUntil > now
  return [
    { key: 'on', label: text('menu.notifyAll'), checked: !muted, onChoose: () => choose(0) },
    {
      key: 'for',
      label: text('menu.muteFor', { span: spanWords(text, muteMs) }),
      checked: muted && mutedUntil < forEver,
      onChoose: () => choose(now + muteMs),
    },
    {
      key: 'always',
      label: text('menu.muteAlways'),
      checked: mutedUntil >= forEver,
      onChoose: () => choose(forEver),
    },
  ]
}
