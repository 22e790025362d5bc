# Completion of restwalk for fish: restwalk completions fish | source
function __restwalk_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct | string unescape 2>/dev/null; or commandline -ct)
    command $before[1] __complete fish (math (count $before) - 1) $before[2..] "$current" 2>/dev/null
end

complete -c restwalk -f -a '(__restwalk_complete)'
