// Elements of the page. What others wrote gets into them as text alone.
const [h1, menu, fresh, said, next, box, view] = document.querySelectorAll('main>*')

// `name` is that of the element and of its class; `parts` are what it holds, and objects of attributes.
function el(name, ...parts) {
  const [tag, css = ''] = name.split('.')
  const made = document.createElement(tag)
  made.className = css
  for (const part of parts.flat(3)) {
    if (part?.nodeType || part?.trim || part > 0) made.append(part)
    else for (const key in part) made.setAttribute(key, part[key])
  }
  return made
}
const text = (words, name = 'span') => words && el(name, words, { dir: 'auto' })
const items = (all) => el('ul', { role: 'list' }, all.map((one) => el('li', one)))

// A button is known by its id, so that it has the focus again when it is drawn again. A label in words is a text's name.
function btn(label, act, busy, more, id = label) {
  const made = el('button', label.trim ? say(label) : label, { id, 'aria-disabled': !!busy }, more)
  made.onclick = () => busy || act()
  return made
}

function fill(parent, ...children) {
  const kids = children.flat(4).filter(Boolean)
  kids.forEach((child, n) => parent.childNodes[n] === child || parent.insertBefore(child, parent.childNodes[n]))
  while (parent.childNodes[kids.length]) parent.lastChild.remove()
}
