# Все фразы, которые видит человек, по-русски. В en.ftl те же самые.

## Что говорит сообщение о картинке

waiting = #{ $job } «{ $prompt }»: { $place ->
    [1] вы следующий
   *[other] место в очереди: { $place }
}{ $wait ->
    [unknown] .
   *[other] , ждать { $wait }.
}
starting = #{ $job } «{ $prompt }»: делаем первый шаг.
drawing = #{ $job } «{ $prompt }»: шаг { $step } из { $steps }, { $percent } %{ $left ->
    [unknown] .
   *[other] , осталось { $left }.
}
upscaling = #{ $job }: увеличиваем картинку #{ $parent } в четыре раза.
again = #{ $job } «{ $prompt }»: движок пришлось перезапустить, картинка продолжается с последней точки сохранения.
paused = #{ $job } «{ $prompt }»: бот перезапускается, картинка сейчас продолжится.
final = «{ $prompt }»
    #{ $job } · зерно { $seed } · { $steps ->
        [one] { $steps } шаг
        [few] { $steps } шага
       *[many] { $steps } шагов
    } · { $time }
final-upscaled = «{ $prompt }»
    #{ $job } · в четыре раза больше, чем #{ $parent } · { $width } × { $height }
stopped = #{ $job } «{ $prompt }»: отменено.
stopped-partial = #{ $job } «{ $prompt }»: отменено; вот что успело получиться.

## Почему не получилось

failed-numbers = #{ $job } «{ $prompt }»: картинка рассыпалась во время рисования. Попробуйте другое зерно или меньшее --guidance-scale.
failed-memory = #{ $job } «{ $prompt }»: для этой картинки не хватает памяти. Попробуйте меньше --cuts.
failed-weights = #{ $job } «{ $prompt }»: модели отсутствуют или повреждены. Владельцу бота подробности скажет «imago doctor».
failed-request = #{ $job } «{ $prompt }»: с такими настройками рисовать нельзя. Какие можно, скажет /help.
failed-picture = #{ $job } «{ $prompt }»: исходную картинку не удалось прочитать. Нарисуйте всё сначала.
failed-engine = #{ $job } «{ $prompt }»: движок несколько раз останавливался на этой картинке. Попробуйте позже.
failed-disk = #{ $job } «{ $prompt }»: готовую картинку не удалось сохранить. Владельцу бота стоит проверить диск.

## Время

seconds = около { $count ->
    [one] { $count } секунды
   *[other] { $count } секунд
}
minutes = около { $count ->
    [one] { $count } минуты
   *[other] { $count } минут
}
hours = около { $count ->
    [one] { $count } часа
   *[other] { $count } часов
}

## Кнопки

button-upscale = Увеличить ×4
button-rerun = Ещё раз
button-remix = Изменить
button-settings = Настройки
button-delete = Удалить
button-cancel = Отменить
button-file = Файл PNG
button-offer = Нарисовать: { $name }

## Ответы

help = Напишите, что нарисовать, например «красная звезда на синем фоне» или /imagine half-life 3 screenshot.
    Веса: замок на закате :2 | картина маслом | люди :-0.5
    Параметры: --seed 7 --steps 100, а ещё { $options }.
    Приложите картинку — к ней потянет вместе со словами; с --init 0.4 рисунок начнётся с неё. --count 4 рисует сразу четыре.
    /queue покажет очередь, /cancel отменит вашу последнюю картинку, /cancel 12 — именно эту.
    /show 12 покажет картинку и откуда она взялась, /settings 12 — как нарисовать её снова, /settings — значения по умолчанию.
    /upscale 12, /vary 12, /rerun 12, /remix 12 новые слова и /delete 12 делают то же, что кнопки; /vary 12 2 — вторая из нескольких.
    /words покажет, что я умею рисовать, /words animals — одну группу, /words лиса — поиск.
    /forget me удалит всё, что я о вас храню; /whoami скажет, под каким именем я вас знаю.
    Реакции: 🔥 увеличить, 🎉 или ⚡ ещё раз, 👀 настройки, 👎 или 💩 удалить.{ $platform ->
        [telegram] {" "}В группах я вижу их, если я администратор; кнопки работают всегда.
       *[other] {""}
    }
understood-nothing = Я не знаю ни одного из этих слов: { $words }. Вот что я могу нарисовать:
words = Я рисую { $count } вещей по названию; /words и группа или слово покажет больше:
words-title = { $group ->
        [animals] Животные (animals)
        [plants] Растения (plants)
        [food] Еда (food)
        [places] Места (places)
        [vehicles] Транспорт (vehicles)
        [people] Люди (people)
        [fantasy] Сказочное (fantasy)
        [sky] Небо (sky)
        [toys] Игрушки (toys)
        [music] Музыка (music)
        [sport] Спорт (sport)
        [tools] Инструменты (tools)
        [clothes] Одежда (clothes)
        [home] Дом (home)
        [symbols] Символы (symbols)
        [shapes] Фигуры (shapes)
        [things] Предметы (things)
        [colour] Цвета (colour)
        [setting] Обстановка (setting)
        [size] Размеры (size)
       *[other] { $group }
    }
words-group = { $title } ({ $count }): { $names }
words-any = Эти модели знают любые слова: пишите что угодно.
words-not-found = Я не знаю ничего похожего на «{ $search }». /words покажет, что я умею рисовать.
telegram-words = Что я умею рисовать: /words animals
discord-whats-known = слова
discord-whats-known-about = Что я умею рисовать
discord-option-search = поиск
discord-option-search-about = Название, группа (animals) или любое слово
page-words = Что ты умеешь рисовать?
page-words-search = Поиск: название или любое слово
page-words-none = Ничего похожего. Попробуйте другое слово или посмотрите группы.
page-words-any = Эти модели знают любые слова: пишите что угодно.
page-words-back = Назад к разговору
examples = красная звезда на синем фоне | half-life 3 screenshot | жёлтая кошка --count 4
pictures = Ваши последние картинки:
pictures-line = #{ $job } «{ $prompt }»
no-pictures-yet = У вас пока нет картинок: напишите, что нарисовать.
queue-empty = Очереди нет: вашу картинку начнут рисовать сразу.
queue = { $waiting ->
    [0] Никто не ждёт
    [one] Ждёт { $waiting } картинка
    [few] Ждут { $waiting } картинки
   *[many] Ждут { $waiting } картинок
}{ $running ->
    [0] .
   *[other] , одна рисуется.
}
queue-mine = #{ $job } «{ $prompt }»: место { $place }{ $wait ->
    [unknown] .
   *[other] , ждать { $wait }.
}
queue-mine-running = #{ $job } «{ $prompt }»: рисуется.
settings = Картинку #{ $job } снова нарисует команда:
    { $command }
defaults = Модели: { $models }. У каждой картинки своё зерно, если не задать --seed.
    Можно одному человеку: { $queued ->
        [0] сколько угодно картинок
        [one] { $queued } картинка
        [few] { $queued } картинки
       *[many] { $queued } картинок
    } одновременно, { $today ->
        [0] сколько угодно
       *[other] { $today }
    } за сутки.
show = #{ $job } «{ $prompt }»: { $status ->
    [queued] ждёт очереди
    [running] рисуется
    [drawn] готово
    [delivered] готово
    [failed] не получилось
   *[cancelled] отменено
}.
descent-rerun = #{ $job } — повтор картинки #{ $parent }.
descent-remix = #{ $job } — переделка картинки #{ $parent }.
descent-upscale = #{ $job } — картинка #{ $parent }, увеличенная в четыре раза.
remix-how = Пришлите новые слова: /remix { $job } { $prompt }
file = #{ $job } «{ $prompt }»: картинка такой, какой была нарисована, байт в байт.
cancelled = #{ $job }: отменено.
deleted = #{ $job }: удалено.

## Чего сделать нельзя

no-prompt = Напишите, что нарисовать, например: /imagine красная звезда на синем фоне
prompt-long = В описании { $length ->
    [one] { $length } знак
    [few] { $length } знака
   *[many] { $length } знаков
}: оставьте не больше { $limit }.
prompt-letters = В описании есть символы, которые не являются текстом: напишите его без них.
prompt-weight = Вес после двоеточия должен быть числом от −100 до 100, например: звезда | красный :-1
    { $where }
unknown-command = Команды /{ $name } нет.{ $meant ->
    [none] {""}
   *[other] {" "}Может быть, /{ $meant }?
} Какие есть, скажет /help.
unknown-option = Параметра --{ $name } нет.{ $meant ->
    [none] {" "}Есть { $options }.
   *[other] {" "}Может быть, --{ $meant }?
}
    { $where }
option-value = Параметру --{ $name } нужно значение, например: --{ $name } { $example }
    { $where }
option-number = --{ $name } должно быть числом от { $low } до { $high }.
    { $where }
option-whole = --{ $name } должно быть целым числом от { $low } до { $high }.
    { $where }
option-choice = --{ $name } может быть только: { $options }.{ $meant ->
    [none] {""}
   *[other] {" "}Может быть, { $meant }?
}
    { $where }
which-job = Скажите, какую картинку, например: /{ $name } 12
no-such-job = Картинки #{ $job } здесь нет.
not-yours = Картинка #{ $job } принадлежит другому человеку.
nothing-to-cancel = У вас нет ничего, что можно отменить.
already-ended = Картинка #{ $job } уже закончена.
no-picture-yet = У #{ $job } ещё нет картинки.
already-large = #{ $job } — уже увеличенная картинка.
already-upscaled = Картинка #{ $parent } уже увеличена: #{ $job }.
too-many-queued = У вас в очереди { $limit ->
    [one] { $limit } картинка
    [few] { $limit } картинки
   *[many] { $limit } картинок
}, больше нельзя: дождитесь одной или отмените её командой /cancel.
too-many-today = За сутки вы попросили { $limit ->
    [one] { $limit } картинку
    [few] { $limit } картинки
   *[many] { $limit } картинок
}, больше нельзя: приходите позже.
broken = Что-то сломалось на нашей стороне. Попробуйте ещё раз; если не поможет, скажите владельцу бота.

## Страница чата: что на ней написано, затем причины отказа

page-online = на связи
page-offline = нет связи – пробую снова …
page-skip = Перейти к полю сообщения
page-name-label = Ваше имя
page-name-hint = Просто подпись: при смене имени картинки остаются
page-switch = Кто рисует?
page-switch-hint = В этом браузере у каждого своя переписка.
page-somebody-else = Кто-то другой
page-unnamed = Пока без имени
page-sending = отправляю …
page-not-sent = Ещё не отправлено: отправлю, когда появится связь.
page-add-words = Напишите словами, что сделать с картинкой.
page-attached = Приложенная картинка
page-new-message = Ниже есть новое сообщение.
page-go-there = Показать
page-ready = картинка готова
page-ask-delete = Удалить картинку насовсем?
page-keep = Оставить
page-edit = Изменить
page-copied = Ссылка скопирована; она работает в этом браузере.
page-copy-link = Скопировать ссылку
page-full-screen = На весь экран
page-corrections-label = Что можно отправить вместо этого
page-commands = /нарисуй | /картинки | /очередь | /отмена | /покажи | /увеличь | /вариант | /настройки | /слова | /помощь | /забудь меня
page-welcome = Что нарисовать?
page-honest = Мои игрушечные модели знают маленький мир: один предмет одного цвета на ровном фоне – звёзды, коты, домики, грибы и изредка лямбда. На всё остальное они ответят как сумеют.
page-chat-label = Разговор
page-commands-label = Команды
page-remixing = Ремикс: измените слова и отправьте
page-text-label = Сообщение
page-placeholder = Опишите картинку …
page-send = Отправить
page-close = Закрыть
page-picture = Картинка
page-download = Скачать
page-progress-label = Ход рисования
page-controls-label = Что сделать с картинкой
page-react = Отметить
page-upscale = Увеличить
page-rerun = Ещё раз
page-settings = Настройки
page-delete = Удалить
page-door-hint = Этот Imago открыт не для всех. Введите токен из его настроек.
page-door-label = Токен
page-door-open = Войти

web-wrong-host = Это имя не этой машины: откройте страницу по адресу 127.0.0.1 или localhost.
web-wrong-origin = Сообщения принимаются только с самой страницы чата: откройте её и напишите там.
web-token-needed = Токен не указан или неверен: введите тот, что записан в настройках.
web-no-browser = Этот браузер ещё не знаком: сначала откройте страницу чата.
web-bad-name = В имени не больше 40 знаков, и все печатные: выберите другое.
web-bad-request = Страница чата такого не отправляет: обновите её и попробуйте снова.
web-not-found = Здесь такого нет: обновите страницу.
web-empty = Сообщение пустое: напишите, что нарисовать.
web-too-large = Слишком много текста за раз: уложитесь в 4000 знаков.
web-closed = Imago останавливается: отправьте ещё раз через минуту.
web-failed = Здесь что-то сломалось: попробуйте ещё раз.

## Discord: команды с описаниями (не длиннее 100 знаков), затем то, что говорится только здесь

discord-imagine = нарисуй
discord-imagine-about = Нарисовать картинку по словам и смотреть, как она проступает из шума
discord-queue = очередь
discord-queue-about = Показать, кто ждёт и сколько ждать вам
discord-cancel = отмена
discord-cancel-about = Отменить картинку: вашу последнюю или с этим номером
discord-show = покажи
discord-show-about = Показать картинку ещё раз и откуда она взялась
discord-settings = настройки
discord-settings-about = Показать, как нарисовать картинку снова, или значения по умолчанию
discord-help = помощь
discord-help-about = Рассказать, что можно сказать боту
discord-server = сервер
discord-server-about = Настройки этого сервера для тех, кто им управляет; без параметров показывает их
discord-draw-this = Нарисуй это
discord-settings-of = Imago: настройки
discord-option-prompt = описание
discord-option-prompt-about = Что нарисовать, например: красная звезда на синем фоне
discord-option-seed = зерно
discord-option-seed-about = Число, из которого делается шум: одно и то же рисует ту же картинку
discord-option-steps = шаги
discord-option-steps-about = Больше шагов — дольше и тщательнее
discord-option-guidance = сила
discord-option-guidance-about = Как сильно слова тянут картинку к себе
discord-option-sampler = способ
discord-option-sampler-about = Как идти от шума к картинке
discord-option-picture = картинка
discord-option-picture-about = Номер картинки
discord-option-channel = канал
discord-option-channel-about = Разрешить картинки в этом канале или убрать его из списка; при пустом списке можно везде
discord-option-most-steps = предел-шагов
discord-option-most-steps-about = Сколько шагов можно попросить самое большее; 0 — без предела
discord-option-most-queued = предел-картинок
discord-option-most-queued-about = Сколько картинок одного человека сразу; 0 — как у самого бота
discord-option-previews = наброски
discord-option-previews-about = Показывать картинку, пока она рисуется
discord-option-spoiler = спойлер
discord-option-spoiler-about = Прятать картинки, пока на них не нажмут

most-steps = Попросите не больше { $limit } шагов: таков здесь предел.
discord-not-here = На этом сервере я не работаю: спросите владельца бота.
discord-other-channel = Попросите меня в { $channels }: в этом канале я не рисую.
discord-not-manager = Эти настройки меняют только те, кто управляет сервером: попросите кого-нибудь из них.
discord-no-picture-here = Это не моя картинка: выберите сообщение с картинкой, которую нарисовал я.
discord-closed = Imago останавливается: попросите ещё раз через минуту.
discord-left-out = То, чего здесь не хватает, было слишком велико для этого места.
discord-bound = Здесь я могу писать только 15 минут; если не успею, картинку покажет /show { $job }.
discord-ready = { $person } ваша картинка готова.
discord-shut-out = Мне больше нельзя писать в { $channel }; что есть от картинки, покажет /show { $job }.
discord-remix = Переделка картинки #{ $job }
discord-words = Новые слова
discord-server-settings = Настройки этого сервера: каналы { $channels }; шаги { $steps ->
        [0] как лучше моделям
       *[other] { $steps }
    }, не больше { $most ->
        [0] сколько угодно
       *[other] { $most }
    }; картинок одного человека сразу: { $queued ->
        [0] сколько разрешает бот
       *[other] { $queued }
    }; за сутки { $today ->
        [0] сколько разрешает бот
       *[other] { $today }
    }; наброски { $previews ->
        [true] показываются
       *[other] не показываются
    }; спойлер { $spoiler ->
        [true] включён
       *[other] выключен
    }; параметры { $options }.

## Телеграм: меню команд и то, чему в нём нет места

telegram-imagine = Нарисовать картинку: /imagine красная звезда
telegram-queue = Кто ждёт
telegram-cancel = Остановить вашу последнюю картинку
telegram-show = Показать картинку: /show 12
telegram-settings = Как нарисовать картинку снова: /settings 12
telegram-help = Что можно сказать
telegram-large = Файл больше, чем принимает Телеграм: попросите его у владельца бота.

## Дом: кто следит за порядком и что забывается

banned = Здесь вам нельзя пользоваться ботом: так решили те, кто следит за порядком. Работает только /forget me.
moderation-paused = У меня перерыв: начатые картинки будут дорисованы, а новым придётся подождать. Попросите, пожалуйста, позже.
refused-word = В описании есть слово, которое здесь не рисуют: скажите, пожалуйста, иначе.
not-moderator = Это могут только те, кто следит здесь за порядком.
which-person = Скажите, кого, например: /{ $name } #12 — того, кто попросил картинку 12, или /{ $name } discord:123
not-banned = Для { $person } и так всё открыто.
not-to-be-banned = Закрыть вход для { $person } нельзя.
has-been-banned = Для { $person } вход закрыт { $where ->
    [everywhere] везде
   *[here] в этом чате
}.
unbanned = Для { $person } вход снова открыт.
purged = Картинки #{ $job } больше нет нигде, куда она была отправлена: { $count ->
    [one] удалена { $count } картинка
    [few] удалено { $count } картинки
   *[many] удалено { $count } картинок
}.
has-been-paused = Новые картинки не принимаются { $where ->
    [everywhere] нигде
   *[here] в этом чате
} до команды /resume.
has-been-resumed = Новые картинки снова принимаются{ $where ->
    [everywhere] {" "}везде
   *[here] {" "}в этом чате
}.
forget-whom = Скажите, кого забыть: /forget me
forget-sure = Это удалит всё, что я о вас храню: ваши слова, ваши картинки и сообщения с ними. Вернуть их будет нельзя. Если вы уверены, в ближайшие { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
   *[many] { $minutes } минут
} отправьте: /forget me { $code }
forget-wrong-code = Код неверный или устарел. Если вы уверены, в ближайшие { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
   *[many] { $minutes } минут
} отправьте: /forget me { $code }
forgotten = Готово: я вас забыл{ $count ->
    [0] , картинок не было
    [one] , а с вами { $count } картинку
    [few] , а с вами { $count } картинки
   *[many] , а с вами { $count } картинок
}.
who-you-are = Я знаю вас как { $person }{ $role ->
    [owner] , владельца этого бота
    [moderator] , того, кто следит за порядком в этом чате
   *[user] {""}
}.
too-many-here = За сутки здесь попросили { $limit ->
    [one] { $limit } картинку
    [few] { $limit } картинки
   *[many] { $limit } картинок
}, больше нельзя: приходите позже.

## Discord: команды модерации

discord-forget = забудь
discord-forget-about = Удалить всё, что бот хранит о вас; сначала он переспросит
discord-ban = запрет
discord-ban-about = Закрыть кому-то этот канал или снова открыть; для тех, кто следит за порядком
discord-purge = вычисти
discord-purge-about = Убрать картинку отовсюду, куда она была отправлена; для тех, кто следит за порядком
discord-pause = перерыв
discord-pause-about = Не принимать новые картинки в этом канале или снова принимать; для тех, кто следит за порядком
discord-option-code = код
discord-option-code-about = Число, которое назвала команда /forget
discord-option-person = человек
discord-option-person-about = Кого
discord-option-lift = снять
discord-option-lift-about = Наоборот: снова впустить или продолжить
discord-option-most-per-day = предел-за-сутки
discord-option-most-per-day-about = Сколько картинок за сутки всем вместе; 0 — как у самого бота
failed-withheld = #{ $job } «{ $prompt }»: готовая картинка не показана: на ней может быть то, чему здесь не место. Попробуйте другие слова.

## Язык описаний и параметров (docs/language.md)

option-ramp = --{ $name } должно быть числом от { $low } до { $high } или такими числами по процентам рисования, например 0:8,50:4,100:0.
    { $where }
option-size = --size — это ширина x высота в пикселях, каждая от 1 до { $most }, например 256x384.
    { $where }
option-widths = --widths — это ширина x шаги, где ширина 1, 2, 3, 4, 6 или 8, например 1x30,8x70.
    { $where }
only-options = Здесь могут быть только параметры, например --steps 150, без слов: «{ $words }».
style-in-style = Стиль не может состоять из другого стиля.

discord-vary = вариация
discord-vary-about = Нарисовать новую картинку, начав с готовой
discord-option-style = стиль
discord-option-style-about = Слова и параметры, у которых здесь есть имя
discord-option-size = размер
discord-option-size-about = Ширина x высота в пикселях, например 256x384
discord-option-count = сколько
discord-option-count-about = До четырёх картинок сразу, чтобы выбрать лучшую
discord-option-models = модели
discord-option-models-about = Сети, которые рисуют
discord-option-attached = картинка
discord-option-attached-about = Картинка, к которой тянет вместе со словами; с «основа» — та, с которой начинается рисунок
discord-option-init = основа
discord-option-init-about = Сколько оставить от картинки: 0.4 — общий вид, 0.8 — почти всё
discord-option-symmetry = симметрия
discord-option-symmetry-about = Отражать картинку, пока она рисуется
discord-option-stop = конец
discord-option-stop-about = Закончить раньше, когда картинка уже не становится ближе к словам
discord-option-start = начало
discord-option-start-about = С чего начать: чистый шум или мягкие пятна в нём
discord-option-eta = eta
discord-option-eta-about = Доля свежего шума на каждом шаге
discord-option-cuts = фрагменты
discord-option-cuts-about = Сколько фрагментов смотреть на каждом шаге, или числа по процентам: 0:32,100:8
discord-option-tv = гладкость
discord-option-tv-about = Тянуть к гладкости: число или числа по процентам
discord-option-range = диапазон
discord-option-range-about = Возвращать в границы цветов: число или числа по процентам
discord-option-saturation = насыщенность
discord-option-saturation-about = Уводить от кричащих цветов: число или числа по процентам
discord-option-clamp = предел
discord-option-clamp-about = Наибольшая сила на одном шаге
discord-option-pick = выбор
discord-option-pick-about = Показать только эту из картинок
discord-option-number = номер
discord-option-number-about = Какая из нескольких картинок, от 1 до 4
discord-option-strength = сила
discord-option-strength-about = Сколько оставить от картинки; если не сказать, 0.5
discord-option-options = параметры
discord-option-options-about = Параметры этого сервера, как их набирают: --style ink --size 256x384

button-pick = Показать одну
button-vary = Вариация
button-pick-one = { $number }
button-upscale-one = ⬆ { $number }
button-vary-one = ✨ { $number }
picked = Картинка { $number } из #{ $job } «{ $prompt }»
descent-vary = #{ $job } — вариация картинки #{ $parent }.
which-of-several = Скажите, какую картинку, например: /{ $name } 12, а вторую из нескольких так: /{ $name } 12 2
say-which = В #{ $job } картинок несколько ({ $count }): нажмите кнопку с номером или добавьте номер, например /upscale { $job } 2
no-such-picture = В #{ $job } { $count ->
    [one] только { $count } картинка
    [few] только { $count } картинки
   *[many] только { $count } картинок
}.
no-init-picture = --init говорит, сколько оставить от картинки: приложите картинку или ответьте на неё.
too-many-pictures = К одному рисунку можно приложить не больше картинок, чем { $limit }.
picture-kind = Эту картинку прочитать нельзя: пришлите PNG, JPEG, WebP или GIF.
picture-bytes = Файл слишком большой: пришлите картинку до 20 МБ.
picture-pixels = В картинке слишком много пикселей: пришлите не больше 25 миллионов и не больше 8192 по стороне.
picture-damaged = Картинка повреждена или обрезана: пришлите её ещё раз.
picture-lost = Не получилось загрузить картинку: пришлите её ещё раз.

page-attach = Приложить картинки (PNG, JPEG, WebP или GIF)
page-detach = Убрать картинки
page-pick = Показать отдельно картинку
page-vary = Вариация картинки

style-unknown = Стиль { $name } состоит из слов, которых { $models } не знает: уберите --style или выберите модели побольше.
    { $where }
option-size-near = { $models } не рисует { $size }: ближайший размер — { $near }.
    { $where }
