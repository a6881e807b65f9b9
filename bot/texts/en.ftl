# Every sentence a person can read, in English. ru.ftl has the same ones.

## What a job's message says

waiting = “{ $prompt }”: { $place ->
    [1] you are next
   *[other] place { $place } in the queue
}{ $wait ->
    [unknown] .
   *[other] , { $wait }.
}
starting = “{ $prompt }”: starting to draw{ $left ->
    [unknown] .
   *[other] , { $left }.
}
drawing = “{ $prompt }”: step { $step } of { $steps }, { $percent } %{ $left ->
    [unknown] .
   *[other] , { $left } left.
}
upscaling = Making the picture of #{ $parent } four times larger.
waiting-unreachable = “{ $prompt }”: no engine can be reached right now. It will be drawn as soon as one is back.
unreachable = “{ $prompt }”: no engine can be reached right now. Drawing continues from the last checkpoint as soon as one is back.
again = “{ $prompt }”: the engine had to restart; drawing continues from the last checkpoint.
paused = “{ $prompt }”: the bot is restarting; drawing continues in a moment.
final = “{ $prompt }”
    #{ $job } · seed { $seed } · { $steps ->
        [one] { $steps } step
       *[other] { $steps } steps
    } · { $time }
final-upscaled = “{ $prompt }”
    #{ $job } · four times larger than #{ $parent } · { $width } × { $height }
final-refused = #{ $job } “{ $prompt }”: the picture is finished, but it could not be posted here. Try /show { $job }.
stopped = #{ $job } “{ $prompt }”: cancelled.
stopped-partial = #{ $job } “{ $prompt }”: cancelled; this is how far it got.

## Why a job failed

failed-numbers = #{ $job } “{ $prompt }”: the picture fell apart while it was being drawn. Try another seed or a lower --guidance-scale.
failed-memory = #{ $job } “{ $prompt }”: there is not enough memory for this picture. Try fewer --cuts.
failed-weights = #{ $job } “{ $prompt }”: the models are missing or damaged. Whoever runs the bot can find out more with “imago doctor”.
failed-request = #{ $job } “{ $prompt }”: these settings cannot be drawn. /help lists the ones that can.
failed-unreadable = #{ $job } “{ $prompt }”: this version of the bot cannot read what was asked for, so it is not drawn. Please ask again in a new message.
failed-picture = #{ $job } “{ $prompt }”: the picture to start from cannot be read. Please send it again with your prompt.
failed-engine = #{ $job } “{ $prompt }”: the engine crashed several times on this picture. Try again later.
failed-disk = #{ $job } “{ $prompt }”: the finished picture could not be saved. Whoever runs the bot should check the disk.

## Times

seconds = about { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
minutes = about { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
hours = about { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}

## Controls

button-upscale = Upscale ×4
button-rerun = Rerun
button-remix = Remix
button-settings = Settings
button-delete = Delete
button-cancel = Cancel
button-file = PNG file
button-offer = Draw { $name }

## Answers

help = Tell me what to draw, for example “a red fox in the snow” or /imagine half-life 3 screenshot.
    Options can go anywhere: --count 4 draws four at once, --seed 7 draws the same picture again. A picture that you attach guides the drawing.
    /pictures lists yours, /cancel stops the newest, /words shows what I can draw, /help more lists the rest.
help-more = Weights: a castle at dusk :2 | oil painting | people :-0.5
    Options: --seed 7 --steps 100, also { $options }.
    Attach a picture to guide the drawing along with the words; with --init 0.4 the drawing starts from it. --count 4 draws four at once.
    /queue shows the queue, /cancel stops your newest picture, /cancel 12 stops picture 12.
    While it is drawn, reply to its message (or /steer) with new words: “a blue star”, “+ a moon” adds, “- star” takes away.
    /show 12 shows a picture and what it was made from, /settings 12 the command that draws it again, /settings the defaults.
    /upscale 12, /vary 12, /rerun 12, /remix 12 new words and /delete 12 do the same as the buttons; /vary 12 2 takes the second of several.
    /words lists what I can draw, /words animals one group, /words fox searches.
    /forget me deletes everything I have stored about you; /whoami shows how I know you.
    Reactions: 🔥 upscale, 🎉 or ⚡ rerun, 👀 settings, 👎 or 💩 delete.{ $platform ->
        [telegram] {" "}In groups I only see reactions if I am an administrator; the buttons always work.
       *[other] {""}
    }
understood-nothing = I do not know any of these words: { $words }. Here are some things I can draw:
words = I can draw { $count } things by name; /words with a group or a word shows more:
words-title = { $group ->
        [animals] Animals
        [plants] Plants
        [food] Food
        [places] Places
        [vehicles] Vehicles
        [people] People
        [fantasy] Fantasy
        [sky] Sky
        [toys] Toys
        [music] Music
        [sport] Sport
        [tools] Tools
        [clothes] Clothes
        [home] Home
        [symbols] Symbols
        [shapes] Shapes
        [things] Things
        [colour] Colours
        [setting] Surroundings
        [size] Sizes
       *[other] { $group }
    }
words-group = { $title } ({ $count }): { $names }
words-any = These models know any word: describe whatever you like.
words-not-found = I found nothing like “{ $search }”. /words shows what I can draw.
telegram-words = What I can draw: /words animals
discord-whats-known = words
discord-whats-known-about = What I can draw by name
discord-option-search = search
discord-option-more = more
discord-option-more-about = Everything, not only the essentials
discord-option-search-about = A name, a group such as animals, or any word
page-example = a red fox in the snow
page-words = What can you draw?
page-words-search = Search: a name, or any word
page-words-none = Nothing like that. Try another word, or look through the groups.
page-words-any = These models know any word: describe whatever you like.
page-words-back = Back to the chat
examples = a red fox in the snow | half-life 3 screenshot | man with books
pictures = Your newest pictures:
pictures-line = #{ $job } “{ $prompt }”
no-pictures-yet = You have no picture yet: say what to draw.
queue-empty = The queue is empty: your picture would be drawn right away.
queue = { $waiting ->
    [0] The queue is empty
    [one] { $waiting } picture is waiting
   *[other] { $waiting } pictures are waiting
}{ $running ->
    [0] .
    [one] , one is being drawn.
   *[other] , { $running } are being drawn.
}
queue-mine = #{ $job } “{ $prompt }”: place { $place }{ $wait ->
    [unknown] .
   *[other] , { $wait }.
}
queue-mine-running = #{ $job } “{ $prompt }”: being drawn.
settings = This command draws #{ $job } again:
    { $command }
defaults = Models: { $models }. Each drawing gets a new seed unless you give one with --seed.
    Limits for one person: { $queued ->
        [0] any number of pictures
        [one] { $queued } picture
       *[other] { $queued } pictures
    } at a time, { $today ->
        [0] any number
       *[other] { $today }
    } in 24 hours.
show = #{ $job } “{ $prompt }”: { $status ->
    [queued] waiting
    [running] being drawn
    [drawn] finished
    [delivered] finished
    [failed] failed
   *[cancelled] cancelled
}.
descent-rerun = #{ $job } is a rerun of #{ $parent }.
descent-remix = #{ $job } is a remix of #{ $parent }.
descent-upscale = #{ $job } is #{ $parent }, four times larger.
remix-how = Send the new words: /remix { $job } { $prompt }
file = #{ $job } “{ $prompt }”: the original file.
cancelled = #{ $job } is cancelled.
deleted = #{ $job } is deleted.

## What cannot be done

no-prompt = Tell me what to draw, for example: /imagine a red fox in the snow
prompt-long = The prompt is { $length } characters long: please keep it to { $limit }.
prompt-letters = The prompt contains characters that are not text: please type it again without them.
prompt-weight = A weight after a colon must be a number from −100 to 100, for example: a star | red :-1
    { $where }
unknown-command = There is no command /{ $name }.{ $meant ->
    [none] {""}
   *[other] {" "}Did you mean /{ $meant }?
} See /help.
unknown-option = There is no option --{ $name }.{ $meant ->
    [none] {" "}The options are { $options }.
   *[other] {" "}Did you mean --{ $meant }?
}
    { $where }
option-value = --{ $name } needs a value, for example: --{ $name } { $example }
    { $where }
option-number = --{ $name } must be a number from { $low } to { $high }.
    { $where }
option-whole = --{ $name } must be a whole number from { $low } to { $high }.
    { $where }
option-choice = --{ $name } must be one of { $options }.{ $meant ->
    [none] {""}
   *[other] {" "}Did you mean { $meant }?
}
    { $where }
which-job = Which picture? For example: /{ $name } 12
no-such-job = There is no picture #{ $job } here.
not-yours = #{ $job } belongs to somebody else.
nothing-to-cancel = You have nothing to cancel.
already-ended = #{ $job } is already finished.
job-unreadable = This version of the bot cannot read what was asked for in #{ $job }. Please ask again in a new message.
no-picture-yet = #{ $job } has no picture yet.
already-large = #{ $job } is already upscaled.
already-upscaled = #{ $parent } has already been upscaled: #{ $job }.
too-many-queued = You have { $limit ->
    [one] { $limit } picture
   *[other] { $limit } pictures
} in the queue, which is the limit (a large one counts as several): wait for one to finish, or /cancel one.
too-many-today = You have asked for { $limit ->
    [one] { $limit } picture
   *[other] { $limit } pictures
} in 24 hours, which is the limit (a large one counts as several): please come back later.
too-fast = That is more than { $limit } messages in a minute: please wait a little, then go on. What you sent meanwhile was not read.
job-too-large = This would be as much work as { $work } ordinary pictures, and { $limit } is the most for one message here. Please lower { $options }.
not-stored = Nothing can be saved here right now, so this was not done. Please try again later; whoever runs the bot should check the disk.
broken = Something went wrong on our side. Please try again; if it keeps happening, tell whoever runs the bot.

## The chat page: what stands on it, then why a call was refused

page-online = online
page-offline = no connection – trying again …
page-skip = Skip to the message field
page-name-label = Your name
page-name-hint = A label for you; your pictures stay when you change it
page-switch = Who is drawing?
page-switch-hint = Each person has a conversation of their own in this browser.
page-somebody-else = Somebody else
page-unnamed = No name yet
page-sending = sending …
page-not-sent = Not sent yet: I send it when the connection is back.
page-not-done = There is no connection, so that was not done: try again when it is back.
page-most-bytes = The pictures of a message may have 20 MB together; this one was left out.
page-most-pictures = A message takes at most four pictures; the others were left out.
page-add-words = Say in words what I should make of the picture.
page-attached = Attached picture
page-new-message = There is something new below.
page-go-there = Show it
page-ready = picture ready
page-ask-delete = Delete this picture for good?
page-keep = Keep it
page-edit = Edit
page-copied = The link is copied; it works in this browser.
page-copy-link = Copy link
page-full-screen = Full screen
page-corrections-label = What you can send instead
page-commands = /imagine | /pictures | /steer | /queue | /cancel | /show | /upscale | /vary | /settings | /words | /help | /forget me
page-welcome = What should I draw?
page-honest = I draw some hundreds of things by name – animals, food, people, buildings, toys – one or two at a time, on a plain colour or in a place: in the snow, under water, in space.
page-chat-label = Conversation
page-commands-label = Commands
page-remixing = Remix: change the words and send
page-stop-remixing = Cancel the remix
page-leave-out = Leave out:
carried-init = begins from { $parent ->
    [none] a picture
   *[other] #{ $parent }
}
carried-count = { $count } pictures
carried-target = guided by { $count ->
    [one] a picture
   *[other] { $count } pictures
}
page-text-label = Message
page-placeholder = Describe a picture …
page-send = Send
page-close = Close
page-picture = Picture
page-download = Download
page-progress-label = Progress of the drawing
page-controls-label = What to do with this picture
page-react = React
page-upscale = Upscale
page-rerun = Rerun
page-settings = Settings
page-delete = Delete
page-door-hint = This Imago is private. Enter the token from its config.
page-door-label = Token
page-door-open = Enter

web-wrong-host = This host name does not belong to this machine: open the page at 127.0.0.1 or localhost.
web-wrong-origin = Requests are accepted only from the chat page itself: open it and write there.
web-token-needed = The token is missing or wrong: enter the one from the config.
web-no-browser = This browser is not known yet: open the chat page first.
web-bad-name = A name has at most 40 characters, all of them printable: choose another one.
web-bad-request = The chat page does not send requests like this one: reload the page and try again.
web-not-found = This was not found here: reload the page.
web-empty = The message is empty: tell me what to draw.
web-too-large = This is too much text at once: please keep it to 4000 characters.
web-busy = Too many requests at once: please try again in a minute.
web-closed = Imago is shutting down: please send it again in a minute.
web-failed = Something went wrong here: please try again.

## Discord: commands with their descriptions (at most 100 characters), then what only this platform says

discord-imagine = imagine
discord-imagine-about = Draw a picture from words, and watch it come out of the noise
discord-queue = queue
discord-queue-about = Show the queue, and how long your picture will take
discord-cancel = cancel
discord-cancel-about = Cancel a picture: your newest one, or the one with this number
discord-show = show
discord-show-about = Show a picture again, and what it was made from
discord-settings = settings
discord-settings-about = Show the command that draws a picture again, or the defaults
discord-help = help
discord-help-about = Show what you can ask Imago to do
discord-server = server
discord-server-about = Settings of this server, for its managers; without an option, show them
discord-draw-this = Draw this
discord-settings-of = Imago: settings
discord-option-prompt = prompt
discord-option-prompt-about = What to draw, for example: a red fox in the snow
discord-option-seed = seed
discord-option-seed-about = The number behind the noise: the same seed draws the same picture
discord-option-steps = steps
discord-option-steps-about = More steps take longer and give a finer picture
discord-option-guidance = guidance
discord-option-guidance-about = How strongly the prompt guides the picture
discord-option-sampler = sampler
discord-option-sampler-about = The method that turns noise into a picture
discord-option-picture = picture
discord-option-picture-about = Number of the picture
discord-option-channel = channel
discord-option-channel-about = Allow this channel, or take it off the list; an empty list allows all
discord-option-most-steps = most-steps
discord-option-most-steps-about = The most steps a person may ask for; 0 for no limit
discord-option-most-queued = most-queued
discord-option-most-queued-about = The most pictures one person may have in the queue; 0 for the bot's own limit
discord-option-previews = previews
discord-option-previews-about = Show the picture while it is being drawn
discord-option-spoiler = spoiler
discord-option-spoiler-about = Hide pictures behind a spoiler until they are clicked

most-steps = Ask for { $limit } steps or fewer: that is the limit here.
discord-not-here = I am not enabled in this server: ask whoever runs the bot.
discord-other-channel = I do not draw in this channel: please ask me in { $channels }.
discord-not-manager = Only people who manage this server can change these settings: please ask one of them.
discord-no-picture-here = That is not one of my pictures: choose a message with a picture that I drew.
discord-closed = Imago is shutting down: please ask again in a minute.
discord-no-files = No files may be sent in this channel: /show { $job } in a direct message to me shows the picture, or ask a moderator to give me “Attach Files” here.
discord-refused = Discord takes neither this picture nor a smaller copy of it: /show { $job } tries again.
discord-left-out = A file is missing here because it is too large for this channel.
discord-bound = I can only write here for 15 minutes; if it takes longer, /show { $job } has the picture.
discord-ready = { $person } your picture is ready.
discord-shut-out = I am no longer allowed to write in { $channel }; /show { $job } shows the picture as far as it got.
discord-remix = Remix of #{ $job }
discord-remix-words = Words
discord-remix-words-about = What to draw this time
discord-remix-options = Options
discord-remix-options-about = Options that you leave out stay as they were
discord-remix-pictures = Pictures
discord-remix-pictures-about = To guide the drawing; with --init 0.4 among the options the drawing begins from the first one
discord-first-use = That was the first picture in this server. More to try:
    /imagine a red fox in the snow --count 4
    /imagine man with books
    The buttons under a picture make it larger, vary it or draw it again; /help lists the rest.
discord-server-settings = Settings of this server: channels { $channels }; steps { $steps ->
        [0] the default of the models
       *[other] { $steps }
    }, { $most ->
        [0] without a limit
       *[other] at most { $most }
    }; pictures of one person at a time: { $queued ->
        [0] as many as the bot allows
       *[other] { $queued }
    }; in 24 hours: { $today ->
        [0] as many as the bot allows
       *[other] { $today }
    }; previews { $previews ->
        [true] on
       *[other] off
    }; spoiler { $spoiler ->
        [true] on
       *[other] off
    }; options { $options }.

## Telegram: the menu of commands, and what it has no room for

telegram-imagine = Draw a picture: /imagine a red star
telegram-queue = Show the queue
telegram-cancel = Stop your newest picture
telegram-show = Show a picture: /show 12
telegram-settings = The command that draws a picture again: /settings 12
telegram-help = What I can do
telegram-no-media = No pictures may be sent in this chat: /show { $job } in a private chat with me shows it, or ask an administrator to allow them here.
telegram-shut-out = I may not write in the chat where you asked for #{ $job }: /show { $job } here shows it as far as it got.
telegram-smaller = Telegram does not take the full picture: this is a smaller copy.
telegram-refused = Telegram takes this picture neither as a file nor smaller: /show { $job } tries again.

## Moderation, and the right to be forgotten

banned = You have been banned from using this bot here. Only /forget me still works.
moderation-paused = New pictures are paused at the moment; those already in the queue will still be drawn. Please ask again later.
refused-word = This prompt contains a word that is not allowed here: please put it another way.
not-moderator = Only moderators can do that.
which-person = Who is meant? For example: /{ $name } #12 for the person who asked for picture 12, or /{ $name } discord:123
not-banned = { $person } is not banned.
not-to-be-banned = { $person } cannot be banned.
has-been-banned = { $person } is now banned { $where ->
    [everywhere] everywhere
   *[here] in this chat
}.
unbanned = { $person } is no longer banned.
purged = #{ $job } has been removed everywhere it was sent: { $count ->
    [one] { $count } picture
   *[other] { $count } pictures
} in all.
has-been-paused = New pictures are paused { $where ->
    [everywhere] everywhere
   *[here] in this chat
} until /resume.
has-been-resumed = New pictures are drawn again{ $where ->
    [everywhere] {" "}everywhere
   *[here] {" "}in this chat
}.
forget-whom = Did you mean /forget me?
forget-sure = This deletes everything I have stored about you: your prompts, your pictures and the messages that show them. It cannot be undone. If you are sure, send this within { $minutes } minutes: /forget me { $code }
forget-wrong-code = That code is wrong or has expired. If you are sure, send this within { $minutes } minutes: /forget me { $code }
forgotten = Done: everything about you has been deleted{ $count ->
    [0] ; there were no pictures
    [one] , including { $count } picture
   *[other] , including { $count } pictures
}.
who-you-are = I know you as { $person }{ $role ->
    [owner] , an owner of this bot
    [moderator] , a moderator of this chat
   *[user] {""}
}.
too-many-queued-here = { $limit ->
    [one] { $limit } picture is
   *[other] { $limit } pictures are
} waiting here already, which is the limit for everybody together: please try again in a while.
too-many-here = { $limit ->
    [one] { $limit } picture has
   *[other] { $limit } pictures have
} been asked for here in 24 hours, which is the limit: please come back later.

## Discord: moderation commands

discord-forget = forget
discord-forget-about = Delete everything this bot has stored about you; it asks first
discord-ban = ban
discord-ban-about = Ban a person from using the bot in this channel, or lift the ban; for moderators
discord-purge = purge
discord-purge-about = Remove a picture everywhere it was sent; for moderators
discord-pause = pause
discord-pause-about = Pause new pictures in this channel, or resume; for moderators
discord-option-code = code
discord-option-code-about = The code that /forget gave you
discord-option-person = person
discord-option-person-about = The person
discord-option-lift = lift
discord-option-lift-about = Undo it: lift the ban, or resume
discord-option-most-per-day = most-per-day
discord-option-most-per-day-about = The most pictures drawn for this server in 24 hours; 0 for the bot's own limit
failed-withheld = #{ $job } “{ $prompt }”: the finished picture is not shown, because it may contain something that is not allowed here. Try other words.

## The language of prompts and options (docs/language.md)

option-ramp = --{ $name } must be a number from { $low } to { $high }, or several as percent:value, for example 0:8,50:4,100:0.
    { $where }
option-size = --size must be width x height in pixels, each from 1 to { $most }, for example 256x384.
    { $where }
option-then = --then must be up to 16 changes with rising percents and ; between them, for example --then 40%:"a blue star";70%:"+ a moon".
    { $where }
option-widths = --widths must be width x steps with widths of 1, 2, 3, 4, 6 or 8, for example 1x30,8x70.
    { $where }
only-options = Only options such as --steps 150 are allowed here, no words: “{ $words }”.
style-in-style = A style cannot use another style.

discord-vary = vary
discord-vary-about = Draw a variation of a finished picture
discord-option-style = style
discord-option-style-about = A named set of words and options
discord-option-size = size
discord-option-size-about = Width x height in pixels, for example 256x384
discord-option-count = count
discord-option-count-about = Draw up to four pictures at once, and pick the best
discord-option-models = models
discord-option-models-about = The model set that draws
discord-option-attached = picture
discord-option-attached-about = A picture to guide the drawing; with init, the picture it starts from
discord-option-init = init
discord-option-init-about = How much of the picture to keep: 0.4 keeps the composition, 0.8 nearly everything
discord-option-symmetry = symmetry
discord-option-symmetry-about = Mirror the picture while it is being drawn
discord-option-stop = stop
discord-option-stop-about = Stop early once the picture no longer gets closer to the prompt
discord-option-start = start
discord-option-start-about = What the drawing starts from: plain noise, or noise with soft blobs
discord-option-eta = eta
discord-option-eta-about = How much fresh noise each step adds
discord-option-cuts = cuts
discord-option-cuts-about = How many crops CLIP looks at in each step; may change, as in 0:32,100:8
discord-option-tv = smoothness
discord-option-tv-about = Total variation loss: smooths the picture. A number, or percent:value
discord-option-range = range
discord-option-range-about = Range loss: keeps colours within limits. A number, or percent:value
discord-option-saturation = saturation
discord-option-saturation-about = Saturation loss: tones down garish colours. A number, or percent:value
discord-option-clamp = clamp
discord-option-clamp-about = Limit on the guidance gradient in one step
discord-option-quality = quality
discord-option-quality-about = Draft, normal or full, in place of steps
discord-option-gradient-at = gradient-at
discord-option-gradient-at-about = x0 skips the backward pass through the network, both skips it in the later half
discord-option-guide-every = guide-every
discord-option-guide-every-about = Guide only every n-th step, n times as strongly
discord-option-then = then
discord-option-then-about = What it becomes on the way, for example 40%:a blue star;70%:+ a moon
discord-option-pick = pick
discord-option-pick-about = Show only this one of several pictures
discord-option-number = number
discord-option-number-about = Which one of several pictures, from 1 to 4
discord-option-strength = strength
discord-option-strength-about = How much of the picture to keep; 0.5 by default
discord-option-options = options
discord-option-options-about = Default options of this server, for example --steps 150 --count 4

button-pick = Show one
button-vary = Vary
button-pick-one = { $number }
button-upscale-one = ⬆ { $number }
button-vary-one = ✨ { $number }
picked = Picture { $number } of #{ $job } “{ $prompt }”
descent-vary = #{ $job } is a variation of #{ $parent }.
which-of-several = Which picture? For example: /{ $name } 12, or for the second of several: /{ $name } 12 2
say-which = #{ $job } has { $count } pictures: use the buttons with numbers, or add the number, as in /upscale { $job } 2
no-such-picture = #{ $job } has { $count ->
    [one] only one picture
   *[other] { $count } pictures
}.
no-init-picture = --init needs a picture to start from: attach one, or reply to one.
too-many-pictures = Please attach at most { $limit } pictures.
picture-kind = I cannot read this picture: please send a PNG, JPEG, WebP or GIF.
picture-bytes = This file is too large: please send a picture of at most 20 MB.
picture-pixels = This picture has too many pixels: please send one of at most 25 megapixels and 8192 pixels on a side.
picture-costly = This picture takes too long to read: please save it as an ordinary JPEG or PNG and send that.
picture-damaged = This picture is damaged or incomplete: please send it again.
picture-lost = The picture could not be downloaded: please send it again.

page-attach = Attach pictures (PNG, JPEG, WebP or GIF)
page-detach = Remove the pictures
page-pick = Show only picture
page-vary = Vary picture

style-unknown = The style { $name } is made of words that { $models } does not know: leave --style out, or choose larger models.
    { $where }
option-size-near = { $models } cannot draw { $size }: the nearest size is { $near }.
    { $where }

## Steering: new words while it is drawn

button-steer = Steer
steer-how = Reply to the message of #{ $job } with new words, or send: /steer { $job } a blue star. “+ a moon” adds a part, “- star” takes one away.
steer-no-words = Say what it should become, for example: /steer a blue star
steer-options = Only words can change while it is drawn: leave --{ $name } out.
steer-nothing = Nothing of yours is being drawn right now: say what to draw.
steer-not-yours = #{ $job } belongs to somebody else: only they can steer it. /imagine draws one of your own.
steer-ended = #{ $job } is not being drawn any more: /remix { $job } draws it again with other words.
steer-waits = #{ $job } has not started yet: it will start with these words.
steer-held = #{ $job }: from { $percent } % on: “{ $words }”
steer-late = #{ $job }: from { $percent } % on: “{ $words }”. That is so late that it can hardly show.
steer-overtaken = #{ $job }: your newer words replace “{ $words }”.
steer-full = #{ $job } has had as many changes as one drawing can take: /remix { $job } draws it again with other words.
steer-unfit = #{ $job }: “{ $words }” and the words before it do not make a prompt together; it is left out.
steer-missed = #{ $job } was finished before “{ $words }” could show: /remix { $job } draws it again with other words.
discord-steer = steer
discord-steer-about = New words for a picture while it is being drawn
discord-steer-title = Steer #{ $job }
discord-steer-words = New words; + adds, - takes away
discord-option-words = words
discord-option-words-about = What it should become; + words adds a part, - words takes one away
telegram-steer = New words while it is drawn: /steer a blue star
page-steer = Steer
page-steer-example = a blue star, + a moon
page-steer-hint = New words while it is drawn; + adds, - takes away
