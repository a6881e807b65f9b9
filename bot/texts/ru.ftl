# Все фразы, которые видит человек, по-русски. В en.ftl те же самые.

## Что говорит сообщение о картинке

waiting = «{ $prompt }»: { $place ->
    [1] вы следующий
   *[other] место в очереди: { $place }
}{ $wait ->
    [unknown] .
   *[other] , ждать { $wait }.
}
starting = «{ $prompt }»: начинаю рисовать{ $left ->
    [unknown] .
   *[other] , это { $left }.
}
drawing = «{ $prompt }»: шаг { $step } из { $steps }, { $percent } %{ $left ->
    [unknown] .
   *[other] , осталось { $left }.
}
upscaling = Увеличиваю картинку #{ $parent } в четыре раза.
waiting-unreachable = «{ $prompt }»: сейчас нет связи ни с одним движком. Картинка будет нарисована, как только связь восстановится.
unreachable = «{ $prompt }»: сейчас нет связи ни с одним движком. Рисование продолжится с последней контрольной точки, как только связь восстановится.
again = «{ $prompt }»: движок пришлось перезапустить; рисование продолжается с последней контрольной точки.
paused = «{ $prompt }»: бот перезапускается; рисование скоро продолжится.
final = «{ $prompt }»
    #{ $job } · зерно { $seed } · { $steps ->
        [one] { $steps } шаг
        [few] { $steps } шага
       *[many] { $steps } шагов
    } · { $time }
final-upscaled = «{ $prompt }»
    #{ $job } · в четыре раза больше, чем #{ $parent } · { $width } × { $height }
final-refused = #{ $job } «{ $prompt }»: картинка готова, но отправить её сюда не получилось. Попробуйте /show { $job }.
stopped = #{ $job } «{ $prompt }»: отменено.
stopped-partial = #{ $job } «{ $prompt }»: отменено; вот что успело нарисоваться.

## Почему не получилось

failed-numbers = #{ $job } «{ $prompt }»: картинка испортилась, пока рисовалась. Попробуйте другое зерно или меньшее значение --guidance-scale.
failed-memory = #{ $job } «{ $prompt }»: для этой картинки не хватает памяти. Попробуйте меньшее значение --cuts.
failed-weights = #{ $job } «{ $prompt }»: модели отсутствуют или повреждены. Владелец бота узнает больше с помощью «imago doctor».
failed-request = #{ $job } «{ $prompt }»: с такими параметрами рисовать нельзя. Допустимые параметры — в /help.
failed-unreadable = #{ $job } «{ $prompt }»: эта версия бота не может прочесть просьбу, поэтому рисунка не будет. Попросите ещё раз новым сообщением.
failed-picture = #{ $job } «{ $prompt }»: исходную картинку не удалось прочитать. Пришлите её ещё раз вместе с описанием.
failed-engine = #{ $job } «{ $prompt }»: движок несколько раз аварийно завершился на этой картинке. Попробуйте позже.
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

help = Напишите, что нарисовать, например «рыжая лиса в снегу» или /imagine half-life 3 screenshot.
    Параметры — где угодно: --count 4 рисует сразу четыре, --seed 7 — ту же картинку снова. Приложенная картинка станет ориентиром.
    /картинки покажет ваши, /отмена остановит последнюю, /слова — что я умею рисовать, /помощь ещё — всё остальное.
help-more = Веса: замок на закате :2 | картина маслом | люди :-0.5
    Параметры: --seed 7 --steps 100, а ещё { $options }.
    Приложите картинку, и рисунок будет похож и на неё; с --init 0.4 рисование начнётся с неё. --count 4 рисует сразу четыре варианта.
    /queue покажет очередь, /cancel отменит вашу последнюю картинку, /cancel 12 — картинку 12.
    Пока картинка рисуется, ответьте на её сообщение (или /steer) новыми словами: «синяя звезда», «+ луна» добавляет, «- звезда» убирает.
    /show 12 покажет картинку и то, из чего она сделана, /settings 12 — команду, которая нарисует её снова, /settings — значения по умолчанию.
    /upscale 12, /vary 12, /rerun 12, /remix 12 новые слова и /delete 12 делают то же, что кнопки; /vary 12 2 берёт вторую из нескольких.
    /words покажет, что я умею рисовать, /words animals — одну группу, /words лиса — поиск.
    /forget me удалит всё, что о вас хранится; /whoami покажет, кем бот вас считает.
    Реакции: 🔥 увеличить, 🎉 или ⚡ ещё раз, 👀 настройки, 👎 или 💩 удалить.{ $platform ->
        [telegram] {" "}В группах бот видит реакции, только если он администратор; кнопки работают всегда.
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
discord-option-more = ещё
discord-option-more-about = Всё, а не только главное
discord-option-search-about = Название, группа (animals) или любое слово
page-example = рыжая лиса в снегу
page-words = Что можно нарисовать?
page-words-search = Поиск: название или любое слово
page-words-none = Ничего похожего. Попробуйте другое слово или посмотрите группы.
page-words-any = Эти модели знают любые слова: пишите что угодно.
page-words-back = Назад к разговору
examples = рыжая лиса в снегу | half-life 3 screenshot | рыба под водой
pictures = Ваши последние картинки:
pictures-line = #{ $job } «{ $prompt }»
no-pictures-yet = У вас пока нет картинок: напишите, что нарисовать.
queue-empty = Очередь пуста: ваша картинка начнёт рисоваться сразу.
queue = { $waiting ->
    [0] Очередь пуста
    [one] Ждёт { $waiting } картинка
    [few] Ждут { $waiting } картинки
   *[many] Ждут { $waiting } картинок
}{ $running ->
    [0] .
    [1] , одна рисуется.
    [one] , { $running } рисуется.
    [few] , { $running } рисуются.
   *[many] , { $running } рисуются.
}
queue-mine = #{ $job } «{ $prompt }»: место { $place }{ $wait ->
    [unknown] .
   *[other] , ждать { $wait }.
}
queue-mine-running = #{ $job } «{ $prompt }»: рисуется.
settings = Эта команда нарисует #{ $job } снова:
    { $command }
defaults = Модели: { $models }. У каждой картинки своё зерно, если не задать --seed.
    Ограничения на одного человека: { $queued ->
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
descent-remix = #{ $job } — ремикс картинки #{ $parent }.
descent-upscale = #{ $job } — картинка #{ $parent }, увеличенная в четыре раза.
remix-how = Пришлите новые слова: /remix { $job } { $prompt }
file = #{ $job } «{ $prompt }»: исходный файл.
cancelled = #{ $job }: отменено.
deleted = #{ $job }: удалено.

## Чего сделать нельзя

no-prompt = Напишите, что нарисовать, например: /imagine рыжая лиса в снегу
prompt-long = В описании { $length ->
    [one] { $length } знак
    [few] { $length } знака
   *[many] { $length } знаков
}: оставьте не больше { $limit }.
prompt-letters = В описании есть недопустимые символы: наберите его ещё раз без них.
prompt-weight = Вес после двоеточия должен быть числом от −100 до 100, например: звезда | красный :-1
    { $where }
unknown-command = Команды /{ $name } нет.{ $meant ->
    [none] {""}
   *[other] {" "}Может быть, /{ $meant }?
} Все команды — в /help.
unknown-option = Параметра --{ $name } нет.{ $meant ->
    [none] {" "}Доступны: { $options }.
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
which-job = Какую картинку? Например: /{ $name } 12
no-such-job = Картинки #{ $job } здесь нет.
not-yours = Картинка #{ $job } принадлежит другому человеку.
nothing-to-cancel = Отменять нечего.
already-ended = Картинка #{ $job } уже закончена.
job-unreadable = Эта версия бота не может прочесть просьбу #{ $job }. Попросите ещё раз новым сообщением.
no-picture-yet = У #{ $job } ещё нет картинки.
already-large = #{ $job } — уже увеличенная картинка.
already-upscaled = Картинка #{ $parent } уже увеличена: #{ $job }.
too-many-queued = У вас в очереди { $limit ->
    [one] { $limit } картинка
    [few] { $limit } картинки
   *[many] { $limit } картинок
} — это предел (большая считается за несколько): дождитесь, пока одна будет готова, или отмените её командой /cancel.
too-many-today = За сутки вы заказали { $limit ->
    [one] { $limit } картинку
    [few] { $limit } картинки
   *[many] { $limit } картинок
} — это предел (большая считается за несколько): приходите позже.
too-fast = Это больше { $limit } сообщений за минуту: подождите немного и продолжайте. Отправленное за это время не прочитано.
job-too-large = Это столько же работы, сколько { $work } обычных картинок, а одно сообщение здесь может занять не больше { $limit }. Уменьшите { $options }.
not-stored = Сейчас здесь ничего нельзя сохранить, поэтому ничего не сделано. Попробуйте позже; владельцу бота стоит проверить диск.
broken = Произошла ошибка на нашей стороне. Попробуйте ещё раз; если не поможет, сообщите владельцу бота.

## Страница чата: что на ней написано, затем причины отказа

page-online = на связи
page-offline = нет связи — пробую снова …
page-skip = Перейти к полю сообщения
page-name-label = Ваше имя
page-name-hint = Просто подпись: при смене имени картинки остаются
page-switch = Кто рисует?
page-switch-hint = В этом браузере у каждого своя переписка.
page-somebody-else = Кто-то другой
page-unnamed = Пока без имени
page-sending = отправляю …
page-not-sent = Ещё не отправлено: отправлю, когда появится связь.
page-not-done = Нет связи, и это не сделано: попробуйте ещё раз, когда она появится.
page-most-bytes = Картинки одного сообщения могут занимать не больше 20 МБ: эта не приложена.
page-most-pictures = За один раз можно приложить четыре картинки; остальные не отправлены.
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
page-commands = /нарисуй | /картинки | /подправь | /очередь | /отмена | /покажи | /увеличь | /вариант | /настройки | /слова | /помощь | /забудь меня
page-welcome = Что нарисовать?
page-honest = Я рисую несколько сотен вещей по названию — животных, еду, людей, дома, игрушки — по одной или по две, на цветном фоне или где-нибудь: в снегу, под водой, в космосе.
page-chat-label = Переписка
page-commands-label = Команды
page-remixing = Ремикс: измените слова и отправьте
page-stop-remixing = Не делать ремикс
page-leave-out = Убрать:
carried-init = начало: { $parent ->
    [none] ваша картинка
   *[other] #{ $parent }
}
carried-count = { $count ->
    [one] { $count } картинка
    [few] { $count } картинки
   *[other] { $count } картинок
}
carried-target = ориентир: { $count ->
    [one] { $count } картинка
    [few] { $count } картинки
   *[other] { $count } картинок
}
page-text-label = Сообщение
page-placeholder = Опишите картинку …
page-send = Отправить
page-close = Закрыть
page-picture = Картинка
page-download = Скачать
page-progress-label = Ход рисования
page-controls-label = Что сделать с картинкой
page-react = Реакция
page-upscale = Увеличить
page-rerun = Ещё раз
page-settings = Настройки
page-delete = Удалить
page-door-hint = Доступ к этому Imago закрыт. Введите токен из его настроек.
page-door-label = Токен
page-door-open = Войти

web-wrong-host = Такого имени у этого компьютера нет: откройте страницу по адресу 127.0.0.1 или localhost.
web-wrong-origin = Запросы принимаются только с самой страницы чата: откройте её и пишите там.
web-token-needed = Токен не указан или неверен: введите тот, что записан в настройках.
web-no-browser = Этот браузер ещё не зарегистрирован: сначала откройте страницу чата.
web-bad-name = Имя должно состоять не более чем из 40 печатных знаков: выберите другое.
web-bad-request = Страница чата таких запросов не отправляет: обновите её и попробуйте снова.
web-not-found = Ничего не найдено: обновите страницу.
web-empty = Сообщение пустое: напишите, что нарисовать.
web-too-large = Слишком много текста за раз: уложитесь в 4000 знаков.
web-busy = Слишком много сразу: попробуйте через минуту.
web-closed = Imago останавливается: отправьте ещё раз через минуту.
web-failed = Произошла ошибка: попробуйте ещё раз.

## Discord: команды с описаниями (не длиннее 100 знаков), затем то, что говорится только здесь

discord-imagine = нарисуй
discord-imagine-about = Нарисовать картинку по словам и смотреть, как она проступает из шума
discord-queue = очередь
discord-queue-about = Показать очередь и сколько осталось ждать
discord-cancel = отмена
discord-cancel-about = Отменить картинку: вашу последнюю или с этим номером
discord-show = покажи
discord-show-about = Показать картинку ещё раз и то, из чего она сделана
discord-settings = настройки
discord-settings-about = Показать команду, которая нарисует картинку снова, или значения по умолчанию
discord-help = помощь
discord-help-about = Показать, что умеет бот
discord-server = сервер
discord-server-about = Настройки этого сервера для тех, кто им управляет; без параметров показывает их
discord-draw-this = Нарисуй это
discord-settings-of = Imago: настройки
discord-option-prompt = описание
discord-option-prompt-about = Что нарисовать, например: рыжая лиса в снегу
discord-option-seed = зерно
discord-option-seed-about = Число, задающее шум: с тем же зерном получится та же картинка
discord-option-steps = шаги
discord-option-steps-about = Больше шагов — дольше и тщательнее
discord-option-guidance = сила
discord-option-guidance-about = Насколько сильно описание направляет рисунок
discord-option-sampler = способ
discord-option-sampler-about = Метод, которым шум превращается в картинку
discord-option-picture = картинка
discord-option-picture-about = Номер картинки
discord-option-channel = канал
discord-option-channel-about = Разрешить картинки в этом канале или убрать его из списка; при пустом списке можно везде
discord-option-most-steps = предел-шагов
discord-option-most-steps-about = Наибольшее число шагов; 0 — без ограничения
discord-option-most-queued = предел-картинок
discord-option-most-queued-about = Сколько картинок одного человека может быть в очереди; 0 — как у бота
discord-option-previews = наброски
discord-option-previews-about = Показывать картинку, пока она рисуется
discord-option-spoiler = спойлер
discord-option-spoiler-about = Прятать картинки, пока на них не нажмут

most-steps = Здесь можно не больше { $limit ->
    [one] { $limit } шага
   *[other] { $limit } шагов
}.
discord-not-here = На этом сервере бот не включён: обратитесь к владельцу бота.
discord-other-channel = В этом канале бот не рисует: напишите в { $channels }.
discord-not-manager = Эти настройки может менять только тот, кто управляет сервером: попросите его.
discord-no-picture-here = Эту картинку нарисовал не я: выберите сообщение с моей картинкой.
discord-closed = Imago останавливается: попросите ещё раз через минуту.
discord-no-files = В этот канал нельзя отправлять файлы: картинку покажет /show { $job } в личных сообщениях со мной, или модератор может дать мне право «Прикреплять файлы».
discord-refused = Discord не принимает эту картинку, и уменьшенную тоже: /show { $job } попробует ещё раз.
discord-left-out = Один из файлов слишком велик для этого канала и не показан.
discord-bound = Здесь бот может писать только 15 минут; если он не успеет, картинку покажет /show { $job }.
discord-ready = { $person } ваша картинка готова.
discord-shut-out = Боту больше нельзя писать в { $channel }; картинку покажет /show { $job }.
discord-remix = Ремикс картинки #{ $job }
discord-remix-words = Слова
discord-remix-words-about = Что нарисовать на этот раз
discord-remix-options = Параметры
discord-remix-options-about = Остальные останутся прежними
discord-remix-pictures = Картинки
discord-remix-pictures-about = Ориентир для рисунка; с --init 0.4 среди параметров рисунок начнётся с первой
discord-first-use = Это была первая картинка на этом сервере. Что ещё попробовать:
    /imagine рыжая лиса в снегу --count 4
    /imagine рыба под водой
    Кнопки под картинкой увеличивают её, делают варианты или рисуют заново; остальное — в /help.
discord-server-settings = Настройки этого сервера: каналы { $channels }; шаги { $steps ->
        [0] по умолчанию для моделей
       *[other] { $steps }
    }, { $most ->
        [0] без ограничения
       *[other] не больше { $most }
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
telegram-queue = Показать очередь
telegram-cancel = Остановить вашу последнюю картинку
telegram-show = Показать картинку: /show 12
telegram-settings = Команда, которая нарисует картинку снова: /settings 12
telegram-help = Что умеет бот
telegram-no-media = В этот чат нельзя отправлять картинки: её покажет /show { $job } в личном чате со мной, или администратор может разрешить их здесь.
telegram-shut-out = Мне нельзя писать в чат, где вы просили картинку №{ $job }: что успело нарисоваться, покажет /show { $job } здесь.
telegram-smaller = Телеграм не принимает картинку целиком: это её уменьшенная копия.
telegram-refused = Телеграм не принимает эту картинку, ни файлом, ни уменьшенной: /show { $job } попробует ещё раз.

## Модерация и право быть забытым

banned = Вам запрещено пользоваться ботом здесь. Работает только /forget me.
moderation-paused = Новые картинки сейчас не принимаются; те, что уже в очереди, будут дорисованы. Пожалуйста, попробуйте позже.
refused-word = В описании есть запрещённое здесь слово: пожалуйста, сформулируйте иначе.
not-moderator = Это могут только модераторы.
which-person = Кого? Например: /{ $name } #12 — того, кто заказал картинку 12, или /{ $name } discord:123
not-banned = Пользователь { $person } не заблокирован.
not-to-be-banned = Пользователя { $person } заблокировать нельзя.
has-been-banned = Пользователь { $person } заблокирован { $where ->
    [everywhere] везде
   *[here] в этом чате
}.
unbanned = Пользователь { $person } разблокирован.
purged = Картинка #{ $job } удалена везде, куда была отправлена: { $count ->
    [one] всего { $count } картинка
    [few] всего { $count } картинки
   *[many] всего { $count } картинок
}.
has-been-paused = Приём новых картинок приостановлен { $where ->
    [everywhere] везде
   *[here] в этом чате
} до команды /resume.
has-been-resumed = Новые картинки снова принимаются{ $where ->
    [everywhere] {" "}везде
   *[here] {" "}в этом чате
}.
forget-whom = Может быть, /forget me?
forget-sure = Это удалит всё, что о вас хранится: ваши описания, ваши картинки и сообщения с ними. Отменить это нельзя. Если вы уверены, в ближайшие { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
   *[many] { $minutes } минут
} отправьте: /forget me { $code }
forget-wrong-code = Код неверный или устарел. Если вы уверены, в ближайшие { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
   *[many] { $minutes } минут
} отправьте: /forget me { $code }
forgotten = Готово: все данные о вас удалены{ $count ->
    [0] ; картинок не было
    [one] , в том числе { $count } картинка
    [few] , в том числе { $count } картинки
   *[many] , в том числе { $count } картинок
}.
who-you-are = Я знаю вас как { $person }{ $role ->
    [owner] , владельца этого бота
    [moderator] , модератора этого чата
   *[user] {""}
}.
too-many-queued-here = Здесь уже ждут { $limit ->
    [one] { $limit } картинка
    [few] { $limit } картинки
   *[many] { $limit } картинок
} — это предел на всех вместе: попробуйте чуть позже.
too-many-here = За сутки здесь заказали { $limit ->
    [one] { $limit } картинку
    [few] { $limit } картинки
   *[many] { $limit } картинок
} — это предел: приходите позже.

## Discord: команды модерации

discord-forget = забудь
discord-forget-about = Удалить всё, что бот хранит о вас; сначала он переспросит
discord-ban = бан
discord-ban-about = Запретить человеку пользоваться ботом в этом канале или снять запрет; для модераторов
discord-purge = убрать
discord-purge-about = Удалить картинку везде, куда она была отправлена; для модераторов
discord-pause = пауза
discord-pause-about = Приостановить приём новых картинок в этом канале или возобновить; для модераторов
discord-option-code = код
discord-option-code-about = Код, который прислала команда /forget
discord-option-person = человек
discord-option-person-about = Человек
discord-option-lift = снять
discord-option-lift-about = Отменить: снять запрет или возобновить
discord-option-most-per-day = предел-за-сутки
discord-option-most-per-day-about = Сколько картинок за сутки на весь сервер; 0 — как у бота
failed-withheld = #{ $job } «{ $prompt }»: готовая картинка не показана: на ней может быть то, что здесь запрещено. Попробуйте другие слова.

## Язык описаний и параметров (docs/language.md)

option-ramp = --{ $name } должно быть числом от { $low } до { $high } или несколькими в виде процент:значение, например 0:8,50:4,100:0.
    { $where }
option-size = --size — это ширина x высота в пикселях, каждая от 1 до { $most }, например 256x384.
    { $where }
option-then = --then — это до 16 изменений через ; с растущими процентами, например --then 40%:"синяя звезда";70%:"+ луна".
    { $where }
option-widths = --widths — это ширина x шаги, где ширина 1, 2, 3, 4, 6 или 8, например 1x30,8x70.
    { $where }
only-options = Здесь допустимы только параметры, например --steps 150, без слов: «{ $words }».
style-in-style = Стиль не может ссылаться на другой стиль.

discord-vary = вариация
discord-vary-about = Нарисовать вариацию готовой картинки
discord-option-style = стиль
discord-option-style-about = Именованный набор слов и параметров
discord-option-size = размер
discord-option-size-about = Ширина x высота в пикселях, например 256x384
discord-option-count = сколько
discord-option-count-about = До четырёх картинок сразу, чтобы выбрать лучшую
discord-option-models = модели
discord-option-models-about = Набор моделей, который рисует
discord-option-attached = картинка
discord-option-attached-about = Картинка-ориентир; с параметром «основа» — картинка, с которой начинается рисунок
discord-option-init = основа
discord-option-init-about = Сколько сохранить от картинки: 0.4 — композицию, 0.8 — почти всё
discord-option-symmetry = симметрия
discord-option-symmetry-about = Отражать картинку, пока она рисуется
discord-option-stop = конец
discord-option-stop-about = Остановиться раньше, когда картинка перестаёт приближаться к описанию
discord-option-start = начало
discord-option-start-about = С чего начать: чистый шум или шум с мягкими пятнами
discord-option-eta = eta
discord-option-eta-about = Сколько нового шума добавляет каждый шаг
discord-option-cuts = фрагменты
discord-option-cuts-about = Сколько фрагментов CLIP смотрит на каждом шаге; можно менять: 0:32,100:8
discord-option-tv = гладкость
discord-option-tv-about = Сглаживание картинки: число или процент:значение
discord-option-range = диапазон
discord-option-range-about = Удерживать цвета в допустимых границах: число или процент:значение
discord-option-saturation = насыщенность
discord-option-saturation-about = Приглушать кричащие цвета: число или процент:значение
discord-option-clamp = предел
discord-option-clamp-about = Предел градиента на одном шаге
discord-option-quality = качество
discord-option-quality-about = draft, normal или full вместо числа шагов
discord-option-gradient-at = точка
discord-option-gradient-at-about = x0 — без обратного прохода через сеть (быстрее), both — без него во второй половине
discord-option-guide-every = через
discord-option-guide-every-about = Направлять рисунок только на каждом n-м шаге, в n раз сильнее
discord-option-then = затем
discord-option-then-about = Чем станет картинка на ходу, например 40%:синяя звезда;70%:+ луна
discord-option-pick = выбор
discord-option-pick-about = Показать только эту из картинок
discord-option-number = номер
discord-option-number-about = Какая из нескольких картинок, от 1 до 4
discord-option-strength = сила
discord-option-strength-about = Сколько сохранить от картинки; по умолчанию 0.5
discord-option-options = параметры
discord-option-options-about = Параметры по умолчанию для сервера, например --steps 150 --count 4

button-pick = Показать одну
button-vary = Вариация
button-pick-one = { $number }
button-upscale-one = ⬆ { $number }
button-vary-one = ✨ { $number }
picked = Картинка { $number } из #{ $job } «{ $prompt }»
descent-vary = #{ $job } — вариация картинки #{ $parent }.
which-of-several = Какую картинку? Например: /{ $name } 12, а вторую из нескольких — /{ $name } 12 2
say-which = В #{ $job } картинок несколько ({ $count }): нажмите кнопку с номером или добавьте номер, например /upscale { $job } 2
no-such-picture = В #{ $job } { $count ->
    [one] только { $count } картинка
    [few] только { $count } картинки
   *[many] только { $count } картинок
}.
no-init-picture = Для --init нужна исходная картинка: приложите её или ответьте на неё.
too-many-pictures = Можно приложить не больше { $limit ->
    [one] { $limit } картинки
   *[other] { $limit } картинок
}.
picture-kind = Не удаётся прочитать эту картинку: пришлите PNG, JPEG, WebP или GIF.
picture-bytes = Файл слишком большой: пришлите картинку до 20 МБ.
picture-pixels = Картинка слишком велика: пришлите не больше 25 мегапикселей и не больше 8192 пикселей по стороне.
picture-costly = Эту картинку слишком долго читать: сохраните её как обычный JPEG или PNG и пришлите.
picture-damaged = Картинка повреждена или неполна: пришлите её ещё раз.
picture-lost = Не удалось загрузить картинку: пришлите её ещё раз.

page-attach = Приложить картинки (PNG, JPEG, WebP или GIF)
page-detach = Убрать картинки
page-pick = Показать только картинку
page-vary = Вариация картинки

style-unknown = Стиль { $name } состоит из слов, которых { $models } не знает: уберите --style или выберите модели побольше.
    { $where }
option-size-near = { $models } не рисует { $size }: ближайший размер — { $near }.
    { $where }

## Новые слова во время рисования

button-steer = Подправить
steer-how = Ответьте на сообщение #{ $job } новыми словами или отправьте: /steer { $job } синяя звезда. «+ луна» добавляет часть, «- звезда» убирает.
steer-no-words = Напишите, чем картинка должна стать, например: /steer синяя звезда
steer-options = Пока картинка рисуется, меняются только слова: уберите --{ $name }.
steer-nothing = Сейчас ничего вашего не рисуется: напишите, что нарисовать.
steer-not-yours = #{ $job } — чужая картинка, подправлять её может только автор. Свою можно нарисовать через /imagine.
steer-ended = #{ $job } уже не рисуется: /remix { $job } нарисует её заново с другими словами.
steer-waits = #{ $job } ещё не начата: она начнётся с этих слов.
steer-held = #{ $job }: начиная с { $percent } %: «{ $words }»
steer-late = #{ $job }: начиная с { $percent } %: «{ $words }». Это так поздно, что вряд ли будет заметно.
steer-overtaken = #{ $job }: вместо «{ $words }» действуют ваши более новые слова.
steer-full = #{ $job } уже получила столько изменений, сколько возможно: /remix { $job } нарисует её заново.
steer-unfit = #{ $job }: «{ $words }» вместе со словами до этого не складывается в описание; эти слова пропущены.
steer-missed = #{ $job } закончилась раньше, чем слова «{ $words }» могли подействовать: /remix { $job } нарисует её заново.
discord-steer = подправь
discord-steer-about = Новые слова для картинки, пока она рисуется
discord-steer-title = Подправить #{ $job }
discord-steer-words = Новые слова; + добавляет, - убирает
discord-option-words = слова
discord-option-words-about = Чем она должна стать; + добавляет часть, - убирает
telegram-steer = Новые слова, пока рисуется: /steer синяя звезда
page-steer = Подправить
page-steer-example = синяя звезда
page-steer-hint = Новые слова, пока рисуется; + добавляет, - убирает
