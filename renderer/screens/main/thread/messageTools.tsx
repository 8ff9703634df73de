import { Icon, type IconName } from '../../../components/icon.tsx'
import { Menu } from '../../../components/menu.tsx'
import type { TextKey } from '../../../../src/text/index.ts'
import { useText } from '../../../context.tsx'
import type { RowContext } from './messageRow.tsx'
import { serviceIcons, useReactionWords } from './reactionLine.tsx'
import { keyOf, offeredEmoji, serviceOrder } from './reactions.ts'

/** The two that have keys of their own are buttons, the others are in the menu. */
const atHand = ['seen', 'agree'] as const

/** Shown while the row is hovered or holds the focus; above the row, so that its text stays readable. */
export function MessageTools(context: RowContext) {
  const text = useText()
  const { message, may, onReply, onEdit, onCopy, onDelete, onDiscard } = context
  if (!may.copy && (!may.remove || may.unsent)) return null
  return (
    <div className="tools" role="toolbar" aria-label={text('thread.tools')}>
      {message.delivery === 'queued' && (
        <button
          type="button"
          className="btn quiet slim"
          tabIndex={-1}
          onClick={() => onDiscard(message.messageId)}
        >
          {text('thread.cancel')}
        </button>
      )}
      {may.answer && <Reacting {...context} />}
      {may.answer && <Tool name="tool.reply" icon="reply" keys="R" onUse={() => onReply(message)} />}
      {may.edit && <Tool name="tool.edit" icon="compose" keys="E" onUse={() => onEdit(message)} />}
      {may.copy && <Tool name="tool.copy" icon="copy" keys="C" onUse={() => onCopy(message)} />}
      {may.remove && !may.unsent && (
        <Tool name="tool.delete" icon="bin" keys="Delete" onUse={() => onDelete(message)} />
      )}
    </div>
  )
}

interface ToolProps {
  readonly name: TextKey
  readonly icon: IconName
  readonly keys: string
  readonly pressed?: boolean
  readonly onUse: () => void
}

function Tool({ name, icon, keys, pressed, onUse }: ToolProps) {
  const text = useText()
  return (
    <button
      type="button"
      className="ib"
      aria-label={text(name)}
      aria-keyshortcuts={keys}
      aria-pressed={pressed}
      title={text(name)}
      tabIndex={-1}
      onClick={onUse}
    >
      <Icon name={icon} />
    </button>
  )
}

function Reacting({ message, ownId, onReact }: RowContext) {
  const text = useText()
  const words = useReactionWords()
  const mine = message.reactions.find((one) => one.personId === ownId)
  const chosen = mine === undefined ? null : keyOf(mine.reaction)
  const others = serviceOrder.filter((one) => one !== 'seen' && one !== 'agree')
  return (
    <>
      {atHand.map((reaction) => (
        <Tool
          key={reaction}
          name={`tool.${reaction}`}
          icon={serviceIcons[reaction]}
          keys={reaction === 'seen' ? 'V' : 'D'}
          pressed={chosen === reaction}
          onUse={() => onReact(message, { kind: 'service', reaction })}
        />
      ))}
      <Menu
        label={text('react.more')}
        icon="smile"
        tabIndex={-1}
        groups={[
          {
            key: 'service',
            items: others.map((reaction) => ({
              key: reaction,
              label: words({ kind: 'service', reaction }),
              checked: chosen === reaction,
              onChoose: () => onReact(message, { kind: 'service', reaction }),
            })),
          },
          {
            key: 'emoji',
            items: offeredEmoji.map((emoji) => ({
              key: emoji,
              label: emoji,
              checked: chosen === emoji,
              onChoose: () => onReact(message, { kind: 'emoji', emoji }),
            })),
          },
        ]}
      />
    </>
  )
}
