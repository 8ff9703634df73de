// Rules of the house for oxlint (ESLint's plugin interface).
import { relative, sep } from 'node:path'
import { forbiddenImport } from './rooms.mjs'

/** @param {any} context */
function pathOf(context) {
  return relative(context.cwd, context.filename).split(sep).join('/')
}

/** @param {string} file */
const isTest = (file) => /\.(test|spec)\.[a-z]+$/.test(file) || /^(e2e|bench)\//.test(file)

const rooms = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    /** @param {any} node @param {boolean} typeOnly */
    const look = (node, typeOnly) => {
      const specifier = node.source?.value
      if (typeof specifier !== 'string') return
      const message = forbiddenImport(file, specifier, typeOnly)
      if (message !== null) context.report({ node, message })
    }
    return {
      ImportDeclaration: (/** @type {any} */ node) => look(node, node.importKind === 'type'),
      ExportNamedDeclaration: (/** @type {any} */ node) => look(node, node.exportKind === 'type'),
      ExportAllDeclaration: (/** @type {any} */ node) => look(node, node.exportKind === 'type'),
      ImportExpression: (/** @type {any} */ node) => look(node, false),
      TSImportType: (/** @type {any} */ node) => look(node, true),
    }
  },
}

/** What stands in one file only: the rest of the house calls that file. */
const places = {
  openExternal: ['main/links.ts'],
  openPath: [],
  registerSchemesAsPrivileged: ['main/startup.ts'],
}

const onePlace = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    if (!file.startsWith('main/') && !file.startsWith('src/')) return {}
    return {
      MemberExpression(/** @type {any} */ node) {
        const name = node.property?.name
        const allowed = Object.hasOwn(places, name) ? places[/** @type {keyof typeof places} */ (name)] : null
        if (allowed !== null && !(/** @type {string[]} */ (allowed).includes(file))) {
          context.report({ node, message: `${name} stands in ${allowed.join(', ') || 'no file'} only` })
        }
      },
      NewExpression(/** @type {any} */ node) {
        if (node.callee.name === 'BrowserWindow' && file !== 'main/windows.ts') {
          context.report({ node, message: 'windows are made by main/windows.ts only' })
        }
      },
    }
  },
}

const noAsyncTransaction = {
  create: (/** @type {any} */ context) => ({
    CallExpression(/** @type {any} */ node) {
      if (node.callee.property?.name !== 'transaction') return
      for (const argument of node.arguments) {
        if (argument.async === true) {
          context.report({
            node: argument,
            message: 'a transaction ends at the first await of an async function',
          })
        }
      }
    },
  }),
}

const noWeakRandom = {
  create(/** @type {any} */ context) {
    if (isTest(pathOf(context))) return {}
    return {
      MemberExpression(/** @type {any} */ node) {
        if (node.object.name === 'Math' && node.property.name === 'random') {
          context.report({ node, message: 'Math.random can be guessed: use node:crypto' })
        }
      },
    }
  },
}

const noDisabling = {
  create: (/** @type {any} */ context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/(?:eslint|oxlint)-disable|@ts-(?:ignore|nocheck|expect-error)/.test(comment.value)) {
          context.report({ node: comment, message: 'no rule is switched off by a comment' })
        }
      }
    },
  }),
}

export default {
  meta: { name: 'valise' },
  rules: {
    rooms,
    'one-place': onePlace,
    'no-async-transaction': noAsyncTransaction,
    'no-weak-random': noWeakRandom,
    'no-disabling': noDisabling,
  },
}
