import type { ReactNode } from 'react'

/** Line icons on a 20 × 20 grid; stroke and size come from `icon.css`. */
const shapes = {
  minimise: <path d="M5 10.5h10" />,
  maximise: <path d="M5.5 5.5h9v9h-9z" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  messages: (
    <>
      <path d="M3.5 5.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9l-3.5 3v-3a2 2 0 0 1-2-2z" />
      <path d="M7 7.2h6M7 10h4" />
    </>
  ),
  directory: (
    <>
      <path d="M4.5 3.5h9a2 2 0 0 1 2 2v11h-9a2 2 0 0 1-2-2z" />
      <path d="M4.5 14.5a2 2 0 0 1 2-1.5h9" />
      <circle cx="10" cy="7" r="1.6" />
      <path d="M7.4 11c.4-1.2 1.4-1.8 2.6-1.8s2.2.6 2.6 1.8" />
    </>
  ),
  settings: (
    <>
      <path d="M4 5.5h7M15 5.5h1M4 10h1M9 10h7M4 14.5h6M14 14.5h2" />
      <circle cx="13" cy="5.5" r="1.9" />
      <circle cx="7" cy="10" r="1.9" />
      <circle cx="12" cy="14.5" r="1.9" />
    </>
  ),
  search: (
    <>
      <circle cx="8.8" cy="8.8" r="5.3" />
      <path d="m12.7 12.7 4 4" />
    </>
  ),
  lock: (
    <>
      <rect x="4" y="9" width="12" height="8" rx="1.5" />
      <path d="M6.8 9V6.500a3.2 3.2 0 0 1 6.4 0V9M10 12.2v1.8" />
    </>
  ),
  compose: (
    <>
      <path d="M9 4H5a1.5 1.5 0 0 0-1.5 1.5v9.5A1.5 1.5 0 0 0 5 16.5h9.5A1.5 1.5 0 0 0 16 15v-4" />
      <path d="m8 12 .5-2.2 6.6-6.6 1.7 1.7-6.6 6.6z" />
    </>
  ),
  back: <path d="M16 10H4.5M9 5 4 10l5 5" />,
  down: <path d="m5.500 8 4.500 4.500L14.500 8" />,
  send: <path d="M3.5 10 16.8 3.7 12.3 16.6 9.8 11.2zM9.8 11.2l7-7.5" />,
  sending: <circle cx="10" cy="10" r="6.7" strokeDasharray="2.2 2.5" />,
  sent: (
    <>
      <circle cx="10" cy="10" r="6.7" />
      <path d="m7 10.2 2.2 2.2 4-4.5" />
    </>
  ),
  delivered: <path d="m2.5 10.5 3.3 3.3 6.5-7.3M9.2 12.900l.9.9 7-7.8" />,
  read: (
    <>
      <circle className="f" cx="10" cy="10" r="7.5" />
      <path className="on-disc" d="m6.6 10.3 2.4 2.4 4.5-5" />
    </>
  ),
  queued: (
    <>
      <path d="M3.5 5h13M3.5 9h13M3.5 13h6" />
      <circle cx="14" cy="14.2" r="3" />
      <path d="M14 12.8v1.5l1 .7" />
    </>
  ),
  warning: <path d="M10 3.3 17.5 16.5h-15zM10 8.3v4M10 14.3v.1" />,
  seal: (
    <>
      <path d="m10 2.2 2 1.5 2.5-.1.7 2.4 2.1 1.4-.9 2.4.9 2.4-2.1 1.4-.7 2.4-2.5-.1-2 1.5-2-1.5-2.5.1-.7-2.4-2.1-1.4.9-2.4-.9-2.4 2.1-1.4.7-2.4 2.5.1z" />
      <path d="m7.2 10 2 2 3.7-4.1" />
    </>
  ),
  sealBroken: (
    <>
      <path d="m10 2.2 2 1.5 2.5-.1.7 2.4 2.1 1.4-.9 2.4.9 2.4-2.1 1.4-.7 2.4-2.5-.1-2 1.5-2-1.5-2.5.1-.7-2.4-2.1-1.4.9-2.4-.9-2.4 2.1-1.4.7-2.4 2.5.1z" />
      <path d="M10 6.500v4M10 12.9v.1" />
    </>
  ),
  server: <path d="M3 16.5h14M4.5 16V8.5M8.2 16V8.5M11.8 16V8.5M15.5 16V8.5M2.8 8.2 10 3.5l7.2 4.7z" />,
  check: <path d="m4 10.5 4 4 8-9" />,
  key: (
    <>
      <circle cx="6.8" cy="13.2" r="3.3" />
      <path d="m9.2 10.8 7-7M13.5 6.500l2 2M11.3 8.700l1.5 1.5" />
    </>
  ),
  eye: (
    <>
      <path d="M2.500 10C4.200 6.800 6.800 5 10 5s5.800 1.800 7.500 5c-1.700 3.200-4.300 5-7.500 5s-5.800-1.800-7.500-5z" />
      <circle cx="10" cy="10" r="2.2" />
    </>
  ),
  workstation: (
    <>
      <rect x="2.8" y="4" width="14.4" height="9.5" rx="1.2" />
      <path d="M7 16.5h6M10 13.5v3" />
    </>
  ),
  offline: (
    <path d="M2.8 8A10.5 10.5 0 0 1 8 5.2M12.3 5.3A10.5 10.5 0 0 1 17.2 8M5.5 11a6.5 6.5 0 0 1 3-1.7M12.5 9.700a6.5 6.5 0 0 1 2 1.3M10 14.8v.1M3.5 3.500l13 13" />
  ),
  retry: <path d="M16 10a6 6 0 1 1-1.9-4.4M16 3.500v3.200h-3.2" />,
  info: (
    <>
      <circle cx="10" cy="10" r="6.8" />
      <path d="M10 9.300v4.2M10 6.700v.1" />
    </>
  ),
  person: (
    <>
      <circle cx="10" cy="7" r="3" />
      <path d="M4.2 16.5c.5-3.3 2.8-5 5.8-5s5.3 1.7 5.8 5" />
    </>
  ),
  agree: (
    <path d="M3.5 9h2.8v7.5H3.5zM6.3 9.3 9.5 3.5c1.3 0 2 .9 1.7 2.2L10.700 8H15c1 0 1.7.9 1.5 1.900l-1 5.100c-.2.9-.9 1.500-1.800 1.500H6.300" />
  ),
  thanks: (
    <path d="M10 16.200C6 13.300 3.300 10.900 3.300 8a3.500 3.500 0 0 1 6.700-1.400A3.500 3.500 0 0 1 16.700 8c0 2.900-2.700 5.300-6.700 8.200z" />
  ),
  noted: <path d="M4 10.500 8 14.500l8-9M12 14h4.500M14.200 11.800v4.400" />,
  smile: (
    <>
      <circle cx="10" cy="10" r="6.8" />
      <path d="M7 11.500c.6 1.300 1.700 2 3 2s2.400-.7 3-2M7.700 8v.1M12.300 8v.1" />
    </>
  ),
  reply: <path d="M8 4.500 3.500 9 8 13.500M3.500 9h8a5 5 0 0 1 5 5v1.500" />,
  copy: (
    <>
      <rect x="7" y="7" width="9.500" height="9.500" rx="1.200" />
      <path d="M13 4.700V4a1 1 0 0 0-1-1H4.500a1 1 0 0 0-1 1v7.500a1 1 0 0 0 1 1h.2" />
    </>
  ),
  bin: <path d="M4 5.500h12M8 5.500v-2h4v2M5.500 5.500 6.300 17h7.400l.8-11.500" />,
  more: <path className="dots" d="M4.500 10v.1M10 10v.1M15.500 10v.1" />,
  timer: (
    <>
      <circle cx="10" cy="11" r="6" />
      <path d="M10 7.800V11l2.200 1.500M8 2.800h4" />
    </>
  ),
  pin: <path d="M7 3.500h6l-.8 5 2.300 2.500v1H5.500v-1l2.300-2.500zM10 12v5" />,
  muted: (
    <path d="M5.200 13.500V9a4.800 4.800 0 0 1 7.300-4.100M14.800 8.500v5M4 13.700h11M8.500 16.200a1.600 1.600 0 0 0 3 0M3.500 3.500l13 13" />
  ),
  archive: <path d="M3 4h14v3.500H3zM4.200 7.500v8.500h11.600V7.500M8 10.500h4" />,
  blocked: (
    <>
      <circle cx="10" cy="10" r="6.800" />
      <path d="m5.300 5.300 9.400 9.400" />
    </>
  ),
  plus: <path d="M10 4v12M4 10h12" />,
  shield: (
    <>
      <path d="M10 2.800 16 5v4.500c0 3.800-2.500 6.300-6 7.700-3.500-1.400-6-3.900-6-7.700V5z" />
      <path d="m7.300 9.800 2 2 3.500-3.800" />
    </>
  ),
  letters: (
    <>
      <path d="M2.800 15 6.800 5l4 10M4.200 11.800h5.200M17.200 15V9.300" />
      <circle cx="14.600" cy="12.200" r="2.600" />
    </>
  ),
} as const satisfies Record<string, ReactNode>

export type IconName = keyof typeof shapes

interface IconProps {
  readonly name: IconName
  readonly small?: boolean
  readonly className?: string
  /** Only when no word stands beside it. */
  readonly label?: string
}

export function Icon({ name, small = false, className = '', label }: IconProps) {
  const classes = ['i', small ? 's' : '', className].filter(Boolean).join(' ')
  const named =
    label === undefined ? ({ 'aria-hidden': true } as const) : { role: 'img', 'aria-label': label }
  return (
    <svg className={classes} viewBox="0 0 20 20" {...named}>
      {shapes[name]}
    </svg>
  )
}

/** The pouch; beside it stands the word. */
export function BrandMark() {
  return (
    <svg className="brand-mark" viewBox="0 0 22 22" aria-hidden="true">
      <path d="M3 8.5h16v9a1.7 1.7 0 0 1-1.7 1.7H4.700A1.7 1.7 0 0 1 3 17.500z" />
      <path d="m3 8.5 2.600-4.600A2 2 0 0 1 7.300 3h7.400a2 2 0 0 1 1.700.9L19 8.500" />
      <path d="M3 8.500c2 3.300 4.500 5 8 5s6-1.700 8-5" />
      <circle className="f" cx="11" cy="13.5" r="2.3" />
    </svg>
  )
}
