# Completion of restwalk for bash: source <(restwalk completions bash)
_restwalk() {
    local reply
    COMPREPLY=()
    while IFS= read -r reply; do
        COMPREPLY+=("$reply")
    done < <(LC_ALL=C.UTF-8 command "$1" __complete bash "$COMP_LINE" "$(_restwalk_bytes)" "$COMP_WORDBREAKS" 2>/dev/null)
}

# The place of the cursor in bytes; bash counts it in bytes or in characters, as the version is.
_restwalk_bytes() {
    local LC_ALL=C
    if ((${#COMP_LINE} >= COMP_POINT)); then printf %s "$COMP_POINT"; else printf %s "${#COMP_LINE}"; fi
}

complete -o nospace -F _restwalk restwalk
