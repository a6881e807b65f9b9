# Every sentence a person can read, in English. ru.ftl has the same ones.

## What a job's message says

waiting = #{ $job } “{ $prompt }”: { $place ->
    [1] you are next
   *[other] place { $place } in the queue
}{ $wait ->
    [unknown] .
   *[other] , { $wait }.
}
starting = #{ $job } “{ $prompt }”: the first step is on its way.
drawing = #{ $job } “{ $prompt }”: step { $step } of { $steps }, { $percent } %{ $left ->
    [unknown] .
   *[other] , { $left } left.
}
upscaling = #{ $job }: making the picture of #{ $parent } four times larger.
again = #{ $job } “{ $prompt }”: the engine had to restart, the picture goes on from its last checkpoint.
paused = #{ $job } “{ $prompt }”: the bot restarts, the picture goes on in a moment.
final = “{ $prompt }”
    #{ $job } · seed { $seed } · { $steps ->
        [one] { $steps } step
       *[other] { $steps } steps
    } · { $time }
final-upscaled = “{ $prompt }”
    #{ $job } · four times larger than #{ $parent } · { $width } × { $height }
stopped = #{ $job } “{ $prompt }”: cancelled.
stopped-partial = #{ $job } “{ $prompt }”: cancelled; this is how far it had come.

## Why a job failed

failed-numbers = #{ $job } “{ $prompt }”: the picture fell apart while it was drawn. Try another seed or a lower --guidance-scale.
failed-memory = #{ $job } “{ $prompt }”: there is too little memory for this picture. Try fewer --cuts.
failed-weights = #{ $job } “{ $prompt }”: the models are missing or damaged. Whoever runs the bot finds out more with “imago doctor”.
failed-request = #{ $job } “{ $prompt }”: these settings cannot be drawn. See /help for the ones that can.
failed-picture = #{ $job } “{ $prompt }”: the picture to draw from cannot be read. Draw it again from the beginning.
failed-engine = #{ $job } “{ $prompt }”: the engine stopped working on this picture several times. Try again later.
failed-disk = #{ $job } “{ $prompt }”: the finished picture could not be stored. Whoever runs the bot should look at the disk.

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

help = Say what to draw, for example “a red star on a blue background” or /imagine half-life 3 screenshot.
    Weights: a castle at dusk :2 | oil painting | people :-0.5
    Options: --seed 7 --steps 100, also { $options }.
    Attach a picture and it pulls beside the words; with --init 0.4 the drawing begins from it. --count 4 draws four at once.
    /queue shows who waits, /cancel stops your newest picture, /cancel 12 that one.
    /show 12 shows a picture and where it comes from, /settings 12 how to draw it again, /settings the defaults.
    /upscale 12, /vary 12, /rerun 12, /remix 12 new words and /delete 12 do what the buttons do; /vary 12 2 means the second of several.
    /words tells what I can draw, /words animals one group of it, /words fox looks for something.
    /forget me deletes all that I keep of you; /whoami tells how I know you.
    Reactions: 🔥 upscale, 🎉 or ⚡ rerun, 👀 settings, 👎 or 💩 delete.{ $platform ->
        [telegram] {" "}In groups they reach me once I am an administrator; the buttons always do.
       *[other] {""}
    }
understood-nothing = I know none of these words: { $words }. Here is something that I can draw:
words = I can draw { $count } things by name; /words and a group or a word shows more:
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
words-any = These models know any word: say what you like.
words-not-found = I know nothing like “{ $search }”. /words shows what I can draw.
telegram-words = What I can draw: /words animals
discord-whats-known = words
discord-whats-known-about = What I can draw by name
discord-option-search = search
discord-option-search-about = A name, a group such as animals, or any word
page-words = What can you draw?
page-words-search = Search: a name, or any word
page-words-none = Nothing like that. Try another word, or look through the groups.
page-words-any = These models know any word: say what you like.
page-words-back = Back to the chat
examples = a red star on a blue background | half-life 3 screenshot | a yellow cat --count 4
pictures = Your newest pictures:
pictures-line = #{ $job } “{ $prompt }”
no-pictures-yet = You have no picture yet: say what to draw.
queue-empty = Nobody waits: your picture would be drawn at once.
queue = { $waiting ->
    [0] Nobody waits
    [one] { $waiting } picture waits
   *[other] { $waiting } pictures wait
}{ $running ->
    [0] .
   *[other] , one is being drawn.
}
queue-mine = #{ $job } “{ $prompt }”: place { $place }{ $wait ->
    [unknown] .
   *[other] , { $wait }.
}
queue-mine-running = #{ $job } “{ $prompt }”: being drawn.
settings = #{ $job } is drawn again by:
    { $command }
defaults = Models: { $models }. Each drawing gets a seed of its own unless you say --seed.
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
file = #{ $job } “{ $prompt }”: the picture as it was drawn, byte for byte.
cancelled = #{ $job } is cancelled.
deleted = #{ $job } is deleted.

## What cannot be done

no-prompt = Say what to draw, for example: /imagine a red star on a blue background
prompt-long = The prompt has { $length } characters: make it { $limit } or fewer.
prompt-letters = The prompt has characters that are not text: type it again without them.
prompt-weight = A weight after a colon must be a number from −100 to 100, for example: a star | red :-1
    { $where }
unknown-command = There is no command /{ $name }.{ $meant ->
    [none] {""}
   *[other] {" "}Did you mean /{ $meant }?
} See /help.
unknown-option = There is no option --{ $name }.{ $meant ->
    [none] {" "}There are { $options }.
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
which-job = Say which picture, for example: /{ $name } 12
no-such-job = There is no picture #{ $job } here.
not-yours = #{ $job } belongs to somebody else.
nothing-to-cancel = You have nothing that could be cancelled.
already-ended = #{ $job } has ended already.
no-picture-yet = #{ $job } has no picture yet.
already-large = #{ $job } is already the large one.
already-upscaled = #{ $parent } was already made larger: #{ $job }.
too-many-queued = You have { $limit ->
    [one] { $limit } picture
   *[other] { $limit } pictures
} in the queue, which is the limit: wait for one to finish, or /cancel one.
too-many-today = You have asked for { $limit ->
    [one] { $limit } picture
   *[other] { $limit } pictures
} in 24 hours, which is the limit: come back later.
broken = Something went wrong on our side. Try again; if it stays so, tell whoever runs the bot.

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
page-commands = /imagine | /pictures | /queue | /cancel | /show | /upscale | /vary | /settings | /words | /help | /forget me
page-welcome = What shall I draw?
page-honest = My toybox models know a small world: one object in one colour on a plain background – stars, cats, houses, mushrooms and the odd lambda. Ask for more and you will get their best guess.
page-chat-label = Conversation
page-commands-label = Commands
page-remixing = Remix: change the words and send
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
page-door-hint = This Imago is not open to everybody. Enter the token from its config.
page-door-label = Token
page-door-open = Come in

web-wrong-host = This name is not one of this machine: open the page at 127.0.0.1 or localhost.
web-wrong-origin = Posts are taken only from the chat page itself: open it and write there.
web-token-needed = The token is missing or wrong: enter the one from the config.
web-no-browser = This browser is not known yet: open the chat page first.
web-bad-name = A name has at most 40 characters, all of them printable: choose another one.
web-bad-request = This is not a post that the chat page makes: reload the page and try again.
web-not-found = There is no such thing here: reload the page.
web-empty = The message is empty: say what to draw.
web-too-large = This is too much text at once: make it 4000 characters or fewer.
web-closed = Imago is shutting down: send it again in a minute.
web-failed = Something went wrong here: try again.

## Discord: commands with their descriptions (at most 100 characters), then what only this platform says

discord-imagine = imagine
discord-imagine-about = Draw a picture from words, and watch how it comes out of the noise
discord-queue = queue
discord-queue-about = Show who waits, and how long your picture will take
discord-cancel = cancel
discord-cancel-about = Cancel a picture: your newest one, or the one with this number
discord-show = show
discord-show-about = Show a picture again, and where it comes from
discord-settings = settings
discord-settings-about = Show how to draw a picture again, or the defaults
discord-help = help
discord-help-about = Tell what can be said to Imago
discord-server = server
discord-server-about = Settings of this server, for those who manage it; without an option, show them
discord-draw-this = Draw this
discord-settings-of = Imago: settings
discord-option-prompt = prompt
discord-option-prompt-about = What to draw, for example: a red star on a blue background
discord-option-seed = seed
discord-option-seed-about = Number that the noise is made of: the same one draws the same picture
discord-option-steps = steps
discord-option-steps-about = More steps take longer and draw more carefully
discord-option-guidance = guidance
discord-option-guidance-about = How hard the words pull at the picture
discord-option-sampler = sampler
discord-option-sampler-about = How to walk from noise to picture
discord-option-picture = picture
discord-option-picture-about = Number of the picture
discord-option-channel = channel
discord-option-channel-about = Allow pictures in this channel, or take it off the list; with an empty list all are allowed
discord-option-most-steps = most-steps
discord-option-most-steps-about = Most steps that a person may ask for; 0 for no limit
discord-option-most-queued = most-queued
discord-option-most-queued-about = Most pictures of one person at a time; 0 for the bot's own limit
discord-option-previews = previews
discord-option-previews-about = Show the picture while it is drawn
discord-option-spoiler = spoiler
discord-option-spoiler-about = Hide pictures until somebody clicks on them

most-steps = Ask for { $limit } steps or fewer: that is the limit here.
discord-not-here = I do not work in this server: ask whoever runs the bot.
discord-other-channel = Ask me in { $channels }: in this channel I draw nothing.
discord-not-manager = Only people who manage this server can change these settings: ask one of them.
discord-no-picture-here = This is none of my pictures: choose a message with a picture that I have drawn.
discord-closed = Imago is shutting down: ask again in a minute.
discord-left-out = What is missing here was too large for this place.
discord-bound = I can write here for 15 minutes only; if it takes longer, /show { $job } has the picture.
discord-ready = { $person } your picture is ready.
discord-shut-out = I may no longer write in { $channel }; /show { $job } shows what there is of the picture.
discord-remix = Remix of #{ $job }
discord-words = New words
discord-server-settings = Settings of this server: channels { $channels }; steps { $steps ->
        [0] as the models like it
       *[other] { $steps }
    }, at most { $most ->
        [0] any number
       *[other] { $most }
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
telegram-queue = Who waits
telegram-cancel = Stop your newest picture
telegram-show = Show a picture: /show 12
telegram-settings = How to draw a picture again: /settings 12
telegram-help = What can be said
telegram-large = The file is larger than Telegram takes: ask whoever runs the bot for it.

## Moderation, and the right to be forgotten

banned = You cannot use this bot here: whoever keeps order has decided so. Only /forget me still works.
moderation-paused = I take a break: pictures that are being drawn will be finished, new ones have to wait. Please ask again later.
refused-word = This prompt has a word that is not drawn here: please say it in another way.
not-moderator = Only those who keep order here can do that.
which-person = Say whom, for example: /{ $name } #12 for whoever asked for picture 12, or /{ $name } discord:123
not-banned = { $person } is not shut out.
not-to-be-banned = { $person } cannot be shut out.
has-been-banned = { $person } is shut out { $where ->
    [everywhere] everywhere
   *[here] in this chat
}.
unbanned = { $person } may come in again.
purged = #{ $job } is gone everywhere it was sent: { $count ->
    [one] { $count } picture
   *[other] { $count } pictures
}.
has-been-paused = No new pictures are taken { $where ->
    [everywhere] anywhere
   *[here] in this chat
} until /resume.
has-been-resumed = New pictures are taken again{ $where ->
    [everywhere] {" "}everywhere
   *[here] {" "}in this chat
}.
forget-whom = Say whom: /forget me
forget-sure = This deletes all that I keep of you: your words, your pictures and the messages that show them. It cannot be undone. If you are sure, send within { $minutes } minutes: /forget me { $code }
forget-wrong-code = This is not the right code, or it is too old. If you are sure, send within { $minutes } minutes: /forget me { $code }
forgotten = Done: I have forgotten you, with { $count ->
    [0] no pictures
    [one] { $count } picture
   *[other] { $count } pictures
}.
who-you-are = I know you as { $person }{ $role ->
    [owner] , an owner of this bot
    [moderator] , who keeps order in this chat
   *[user] {""}
}.
too-many-here = { $limit ->
    [one] { $limit } picture was
   *[other] { $limit } pictures were
} asked for here in 24 hours, which is the limit: come back later.

## Discord: moderation commands

discord-forget = forget
discord-forget-about = Delete all that this bot keeps of you; it asks first
discord-ban = ban
discord-ban-about = Shut somebody out of this channel, or let them in again; for those who keep order
discord-purge = purge
discord-purge-about = Take a picture away everywhere it was sent; for those who keep order
discord-pause = pause
discord-pause-about = Take no new pictures in this channel, or take them again; for those who keep order
discord-option-code = code
discord-option-code-about = The number that /forget has told you
discord-option-person = person
discord-option-person-about = Whom
discord-option-lift = lift
discord-option-lift-about = The other way round: let them in, or go on
discord-option-most-per-day = most-per-day
discord-option-most-per-day-about = Most pictures of everybody here in 24 hours; 0 for the bot's own limit
failed-withheld = #{ $job } “{ $prompt }”: the finished picture is not shown, since it may show what is not wanted here. Try other words.

## The language of prompts and options (docs/language.md)

option-ramp = --{ $name } must be a number from { $low } to { $high }, or such numbers at percents of the drawing, for example 0:8,50:4,100:0.
    { $where }
option-size = --size must be width x height in pixels, each from 1 to { $most }, for example 256x384.
    { $where }
option-widths = --widths must be width x steps with widths of 1, 2, 3, 4, 6 or 8, for example 1x30,8x70.
    { $where }
only-options = Only options can stand here, such as --steps 150, and no words: “{ $words }”.
style-in-style = A style cannot be made of another style.

discord-vary = vary
discord-vary-about = Draw a new picture that begins from a finished one
discord-option-style = style
discord-option-style-about = Words and options that have a name here
discord-option-size = size
discord-option-size-about = Width x height in pixels, for example 256x384
discord-option-count = count
discord-option-count-about = Draw up to four pictures at once, and pick the best
discord-option-models = models
discord-option-models-about = The networks that draw
discord-option-attached = picture
discord-option-attached-about = A picture that pulls beside the words; with init, the one that the drawing begins from
discord-option-init = init
discord-option-init-about = How much of the picture is kept: 0.4 keeps the look, 0.8 nearly all
discord-option-symmetry = symmetry
discord-option-symmetry-about = Mirror the picture while it is drawn
discord-option-stop = stop
discord-option-stop-about = End early when the picture fits the words as well as it will
discord-option-start = start
discord-option-start-about = What the drawing begins from: plain noise, or soft blots in it
discord-option-eta = eta
discord-option-eta-about = Share of fresh noise at each step
discord-option-cuts = cuts
discord-option-cuts-about = Crops that are looked at in each step, or such numbers at percents: 0:32,100:8
discord-option-tv = smoothness
discord-option-tv-about = Pull towards smoothness: a number, or numbers at percents
discord-option-range = range
discord-option-range-about = Pull back into the range of colours: a number, or numbers at percents
discord-option-saturation = saturation
discord-option-saturation-about = Pull away from garish colours: a number, or numbers at percents
discord-option-clamp = clamp
discord-option-clamp-about = Largest pull in one step
discord-option-pick = pick
discord-option-pick-about = Show only this one of the pictures
discord-option-number = number
discord-option-number-about = Which one of several pictures, from 1 to 4
discord-option-strength = strength
discord-option-strength-about = How much of the picture is kept; 0.5 if you don't say
discord-option-options = options
discord-option-options-about = Options that hold in this server, as they are typed: --style ink --size 256x384

button-pick = Show alone
button-vary = Vary
button-pick-one = { $number }
button-upscale-one = ⬆ { $number }
button-vary-one = ✨ { $number }
picked = Picture { $number } of #{ $job } “{ $prompt }”
descent-vary = #{ $job } is a variation of #{ $parent }.
which-of-several = Say which picture, for example: /{ $name } 12, or for the second of several: /{ $name } 12 2
say-which = #{ $job } has { $count } pictures: use the buttons with numbers, or add the number, as in /upscale { $job } 2
no-such-picture = #{ $job } has { $count ->
    [one] only one picture
   *[other] { $count } pictures
}.
no-init-picture = --init is how much of a picture is kept: attach a picture, or reply to one.
too-many-pictures = Send at most { $limit } pictures with one drawing.
picture-kind = This is no picture that I can read: send a PNG, JPEG, WebP or GIF.
picture-bytes = This file is too large: send a picture of at most 20 MB.
picture-pixels = This picture has too many pixels: send one of at most 25 million, and 8192 on a side.
picture-damaged = This picture is damaged or cut short: send it again.
picture-lost = The picture could not be fetched: send it again.

page-attach = Attach pictures (PNG, JPEG, WebP or GIF)
page-detach = Take the pictures away
page-pick = Show alone picture
page-vary = Vary picture

style-unknown = The style { $name } is made of words that { $models } does not know: leave --style out, or choose larger models.
    { $where }
option-size-near = { $models } cannot draw { $size }: the nearest size is { $near }.
    { $where }
