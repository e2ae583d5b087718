# To be sourced: textual edits that fail if the edited text has changed.

# edit_once OLD NEW: replaces OLD by NEW in the variable `text`. Fails and changes nothing unless
# OLD occurs exactly once.
edit_once() {
  local rest=${text#*"$1"}
  [[ $rest != "$text" && $rest != *"$1"* ]] || return 1
  text=${text%%"$1"*}$2$rest
}
