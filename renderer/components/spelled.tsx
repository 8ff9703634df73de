interface SpelledProps {
  readonly groups: readonly string[]
  /** Says what it is and in how many groups. */
  readonly label: string
  readonly className: string
}

/** Groups of characters to be compared by voice: read out one by one, not as numbers or words. */
export function Spelled({ groups, label, className }: SpelledProps) {
  return (
    <div className={className} role="group" aria-label={label}>
      {groups.map((group, index) => (
        <span key={index}>
          <span aria-hidden="true">{group}</span>
          <span className="vh">{[...group].join(' ')}</span>
        </span>
      ))}
    </div>
  )
}
