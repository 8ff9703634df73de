/** Where each route is; without schemas, so that the page can have it too. */
export const adminPaths = {
  beginRegistration: { method: 'POST', path: '/admin/v1/registration/begin' },
  finishRegistration: { method: 'POST', path: '/admin/v1/registration/finish' },
  beginSignIn: { method: 'POST', path: '/admin/v1/sign-in/begin' },
  finishSignIn: { method: 'POST', path: '/admin/v1/sign-in/finish' },
  stepUp: { method: 'POST', path: '/admin/v1/step-up' },
  beginStepUp: { method: 'POST', path: '/admin/v1/step-up/begin' },
  finishStepUp: { method: 'POST', path: '/admin/v1/step-up/finish' },
  session: { method: 'GET', path: '/admin/v1/session' },
  signOut: { method: 'POST', path: '/admin/v1/sign-out' },
  overview: { method: 'GET', path: '/admin/v1/overview' },
  journal: { method: 'GET', path: '/admin/v1/journal' },
  journalCheck: { method: 'GET', path: '/admin/v1/journal/check' },
  alerts: { method: 'GET', path: '/admin/v1/alerts' },
  acknowledgeAlert: { method: 'POST', path: '/admin/v1/alerts/acknowledge' },
  budgets: { method: 'GET', path: '/admin/v1/budgets' },
  resetBudget: { method: 'POST', path: '/admin/v1/budgets/reset' },
  accounts: { method: 'GET', path: '/admin/v1/accounts' },
  account: { method: 'GET', path: '/admin/v1/account' },
  endDevices: { method: 'POST', path: '/admin/v1/devices/end' },
  disableAccount: { method: 'POST', path: '/admin/v1/accounts/disable' },
  enableAccount: { method: 'POST', path: '/admin/v1/accounts/enable' },
  inviteMember: { method: 'POST', path: '/admin/v1/accounts/invite' },
  inviteAgain: { method: 'POST', path: '/admin/v1/accounts/invite-again' },
} as const

/** Each request of the page carries it: no other page can send it without being asked first. */
export const pageHeader = 'x-valise-admin'
