#compdef restwalk
# Completion of restwalk for zsh: source <(restwalk completions zsh), or a file _restwalk in $fpath
_restwalk() {
    local line kind word help
    local -a whole open wholes opens parts
    for line in "${(@f)$(command "${words[1]}" __complete zsh $((CURRENT - 2)) \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" "${(@Q)words[CURRENT+1,-1]}" 2>/dev/null)}"; do
        parts=("${(@ps:\t:)line}")
        kind=$parts[1] word=$parts[2] help=${parts[3]-}
        case $kind in
            word) whole+=("$word") wholes+=("$word${help:+  -- $help}") ;;
            open) open+=("$word") opens+=("$word${help:+  -- $help}") ;;
            help) compadd -x "$help" ;;
        esac
    done
    (($#whole)) && compadd -l -d wholes -a whole
    (($#open)) && compadd -l -S '' -d opens -a open
    return 0
}

if [[ ${funcstack[1]-} == _restwalk ]]; then
    _restwalk "$@"
else
    compdef _restwalk restwalk
fi
