# To be sourced: textual edits that cannot fall behind what they edit.

# edit_once OLD NEW: puts NEW in the place of OLD in the variable `text`. Fails, and changes nothing,
# where OLD is not there exactly once.
edit_once() {
  local rest=${text#*"$1"}
  [[ $rest != "$text" && $rest != *"$1"* ]] || return 1
  text=${text%%"$1"*}$2$rest
}
